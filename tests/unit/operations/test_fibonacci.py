import math

import pytest

from mathops.operations.fibonacci import OPERATION as FIBONACCI
from mathops.operations.operation import ROUNDING_MARGIN_BITS


@pytest.mark.parametrize(("n", "result"), [(0, 0), (1, 1), (2, 1), (3, 2), (10, 55), (100, 354224848179261915075)])
def test_it_is_exact(n: int, result: int) -> None:
    assert FIBONACCI.compute(n) == result


def test_it_has_a_short_and_a_long_path() -> None:
    assert FIBONACCI.paths == ("/fib", "/fibonacci")


def test_its_index_must_not_be_negative() -> None:
    assert [parameter.minimum for parameter in FIBONACCI.parameters] == [0]


@pytest.mark.parametrize("n", [*range(200), 10**5, 10**6])
def test_predicted_bits_exceed_the_result_by_at_most_two(n: int) -> None:
    assert 0 <= FIBONACCI.bits(n) - FIBONACCI.compute(n).bit_length() <= 2


def test_predicted_bits_are_binets_formula_plus_the_admission_bits() -> None:
    assert FIBONACCI.bits(1000) == pytest.approx(math.log2(FIBONACCI.compute(1000)) + ROUNDING_MARGIN_BITS, abs=1e-9)


def test_an_index_beyond_floats_has_an_infinite_predicted_size() -> None:
    assert FIBONACCI.predicted_digits(10**400) == math.inf
