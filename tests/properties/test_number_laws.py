"""Laws of exact numbers, and agreement with Python's own integers."""

import math
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from mathops.operations import Operation
from mathops.operations.factorial import OPERATION as FACTORIAL
from mathops.operations.fibonacci import OPERATION as FIBONACCI
from mathops.operations.power import OPERATION as POWER


def of(operation: Operation) -> Callable[..., int]:
    """The result of an operation, parsed from its decimal text."""
    return lambda *arguments: int(operation.result(*arguments).text)


power, fib, fact = of(POWER), of(FIBONACCI), of(FACTORIAL)

bases = st.integers(-(10**6), 10**6)
exponents = st.integers(0, 200)
indices = st.integers(0, 4000)


@given(bases, exponents)
@example(0, 0)
@example(-1, 0)
def test_power_agrees_with_python(base: int, exp: int) -> None:
    assert power(base, exp) == base**exp


@given(bases, exponents, exponents)
def test_a_sum_of_exponents_is_a_product_of_powers(base: int, one: int, other: int) -> None:
    assert power(base, one + other) == power(base, one) * power(base, other)


@given(bases, st.integers(0, 20), st.integers(0, 20))
def test_a_product_of_exponents_is_a_power_of_a_power(base: int, one: int, other: int) -> None:
    assert power(power(base, one), other) == power(base, one * other)


@given(st.integers(0, 10**4000))
def test_bases_0_1_and_minus_1_take_an_exponent_of_any_size(exp: int) -> None:
    assert power(1, exp) == 1
    assert power(-1, exp) == (-1 if exp % 2 else 1)
    assert power(0, exp) == (0 if exp else 1)


@given(st.integers(1, 4000))
def test_cassini(n: int) -> None:
    assert fib(n - 1) * fib(n + 1) - fib(n) ** 2 == (-1) ** n


@given(st.integers(1, 4000), indices)
def test_fibonacci_of_a_sum(m: int, n: int) -> None:
    assert fib(m + n) == fib(m) * fib(n + 1) + fib(m - 1) * fib(n)


@given(indices, indices)
def test_gcd_of_fibonacci_numbers_is_fibonacci_of_the_gcd(m: int, n: int) -> None:
    assert math.gcd(fib(m), fib(n)) == fib(math.gcd(m, n))


def test_fibonacci_begins_with_0_and_1_and_adds() -> None:
    numbers = [fib(n) for n in range(400)]

    assert numbers[:2] == [0, 1]
    assert all(later == one + other for one, other, later in zip(numbers, numbers[1:], numbers[2:], strict=False))


@given(st.integers(1, 1000))
def test_each_factorial_is_n_times_the_one_before(n: int) -> None:
    assert fact(n) == n * fact(n - 1)


@given(st.integers(0, 1000))
def test_factorial_agrees_with_python(n: int) -> None:
    assert fact(n) == math.factorial(n)


@given(st.sampled_from([2, 3, 5, 7, 101, 541, 1009]))
def test_wilson(prime: int) -> None:
    assert fact(prime - 1) % prime == prime - 1
