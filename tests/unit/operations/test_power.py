import math

import pytest

from mathops.operations.power import OPERATION as POWER


@pytest.mark.parametrize(
    ("base", "exp", "result"),
    [
        (2, 5, 32),
        (0, 0, 1),
        (0, 1, 0),
        (0, 7, 0),
        (1, 10**100, 1),
        (-1, 10**100, 1),
        (-1, 10**100 + 1, -1),
        (-2, 3, -8),
        (-2, 4, 16),
        (10, 0, 1),
        (10**50, 1, 10**50),
    ],
)
def test_it_is_exact(base: int, exp: int, result: int) -> None:
    assert POWER.compute(base, exp) == result


def test_it_has_a_short_and_a_long_path() -> None:
    assert POWER.paths == ("/pow", "/power")


@pytest.mark.parametrize("base", [-1, 0, 1])
def test_powers_of_0_1_and_minus_1_need_one_bit(base: int) -> None:
    assert POWER.bits(base, 10**4000) == 1
    assert POWER.predicted_digits(base, 10**4000) == 1


def test_the_exponent_must_not_be_negative_and_the_base_may() -> None:
    assert [parameter.minimum for parameter in POWER.parameters] == [None, 0]


@pytest.mark.parametrize("base", [2, -2, 3, 10, -255, 256, 257, 10**50])
@pytest.mark.parametrize("exp", [0, 1, 2, 7, 64, 1000])
def test_predicted_bits_exceed_the_result_by_at_most_two(base: int, exp: int) -> None:
    assert 0 <= POWER.bits(base, exp) - POWER.compute(base, exp).bit_length() <= 2


@pytest.mark.parametrize(("base", "exp"), [(2, 10**400), (10**4000, 10**306)])
def test_an_exponent_beyond_floats_has_an_infinite_predicted_size(base: int, exp: int) -> None:
    assert POWER.predicted_digits(base, exp) == math.inf
