"""The predicted size of a result is never below the actual size, and close above it."""

import math

import gmpy2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mathops.operations import OPERATIONS, Operation
from mathops.operations.factorial import OPERATION as FACTORIAL
from mathops.operations.fibonacci import OPERATION as FIBONACCI
from mathops.operations.operation import ROUNDING_MARGIN_BITS
from mathops.operations.power import OPERATION as POWER

# The prediction may add ROUNDING_MARGIN_BITS, and one more if a logarithm rounds below a whole number.
MAX_EXCESS_BITS = ROUNDING_MARGIN_BITS + 1


def assert_foreseen(operation: Operation, *arguments: int) -> None:
    truth = operation.compute(*arguments)
    bits, digits = operation.bits(*arguments), operation.predicted_digits(*arguments)
    assert truth.bit_length() <= bits <= max(1, truth.bit_length()) + MAX_EXCESS_BITS
    assert operation.result(*arguments).digits <= digits <= operation.result(*arguments).digits + 2


@given(st.integers(-(10**40), 10**40), st.integers(0, 3000))
@example(0, 0)
@example(0, 1)
@example(1, 0)
@example(-1, 10**30)
@example(2, 0)
@example(2, 1)
@example(-2, 63)
@example(2**64 - 1, 2000)
@example(2**64, 2000)
@example(2**64 + 1, 2000)
@example(10, 2999)
@example(-(10**4299), 1)
def test_the_size_of_a_power_is_predicted(base: int, exp: int) -> None:
    assert_foreseen(POWER, base, exp)


@given(st.integers(0, 100_000))
@example(4_784_971)
def test_the_size_of_a_fibonacci_number_is_predicted(n: int) -> None:
    assert_foreseen(FIBONACCI, n)


@given(st.integers(0, 20_000))
@example(205_022)
def test_the_size_of_a_factorial_is_predicted(n: int) -> None:
    assert_foreseen(FACTORIAL, n)


@pytest.mark.parametrize("operation", [FIBONACCI, FACTORIAL], ids=lambda operation: operation.name)
def test_the_size_of_each_small_result_is_predicted(operation: Operation) -> None:
    for n in range(3000):
        assert_foreseen(operation, n)


def test_the_size_of_each_small_power_is_predicted() -> None:
    for base in range(-40, 41):
        for exp in range(80):
            assert_foreseen(POWER, base, exp)


@given(st.integers(10**7, 10**14))
def test_the_size_of_a_huge_fibonacci_number_is_not_underestimated(n: int) -> None:
    with gmpy2.context(precision=200):
        exact = n * gmpy2.log2((1 + gmpy2.sqrt(gmpy2.mpfr(5))) / 2) - gmpy2.log2(gmpy2.mpfr(5)) / 2
    assert exact + 1 <= FIBONACCI.bits(n) <= exact + 1 + MAX_EXCESS_BITS


@given(st.integers(10**6, 10**12))
def test_the_size_of_a_huge_factorial_is_not_underestimated(n: int) -> None:
    with gmpy2.context(precision=200):
        exact = gmpy2.lgamma(gmpy2.mpfr(n + 1))[0] / gmpy2.log(gmpy2.mpfr(2))
    assert exact + 1 <= FACTORIAL.bits(n) <= exact + 1 + MAX_EXCESS_BITS


@given(st.integers(2, 10**40), st.integers(10**4, 10**12))
def test_the_size_of_a_huge_power_is_not_underestimated(base: int, exp: int) -> None:
    with gmpy2.context(precision=400):
        exact = exp * gmpy2.log2(gmpy2.mpfr(base))
    # Above 2^50 bits a float cannot represent single bits; results of that size are never computed.
    slack = max(MAX_EXCESS_BITS, float(exact) * 2**-50)
    assert exact + 1 - max(0, slack - MAX_EXCESS_BITS) <= POWER.bits(base, exp) <= exact + 1 + slack


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@given(st.data())
def test_the_prediction_grows_with_the_argument(operation: Operation, data: st.DataObject) -> None:
    smaller = data.draw(st.integers(0, 10**12))
    larger = data.draw(st.integers(smaller, 10**15))
    first = (7,) * (len(operation.parameters) - 1)
    assert operation.bits(*first, smaller) <= operation.bits(*first, larger)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (POWER, (2, 10**4000)),
        (POWER, (10**4000, 10**306)),
        (FIBONACCI, (10**4000,)),
        (FACTORIAL, (10**4000,)),
        (FACTORIAL, (10**306,)),
    ],
)
def test_a_size_beyond_the_range_of_floats_is_infinite(operation: Operation, arguments: tuple[int, ...]) -> None:
    assert math.isinf(operation.predicted_digits(*arguments))
