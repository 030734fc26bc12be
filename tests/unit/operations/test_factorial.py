import math

import pytest

from mathops.operations.factorial import OPERATION as FACTORIAL


@pytest.mark.parametrize(("n", "result"), [(0, 1), (1, 1), (2, 2), (5, 120), (20, 2432902008176640000)])
def test_it_is_exact(n: int, result: int) -> None:
    assert FACTORIAL.compute(n) == result


def test_it_has_a_short_and_a_long_path() -> None:
    assert FACTORIAL.paths == ("/fact", "/factorial")


def test_its_argument_must_not_be_negative() -> None:
    assert [parameter.minimum for parameter in FACTORIAL.parameters] == [0]


@pytest.mark.parametrize("n", [*range(200), 10**5])
def test_predicted_bits_exceed_the_result_by_at_most_two(n: int) -> None:
    assert 0 <= FACTORIAL.bits(n) - FACTORIAL.compute(n).bit_length() <= 2


@pytest.mark.parametrize("n", [10**306, 10**400])
def test_an_argument_beyond_floats_has_an_infinite_predicted_size(n: int) -> None:
    assert FACTORIAL.predicted_digits(n) == math.inf
