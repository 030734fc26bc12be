import pytest

from mathops.operations import POWER


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
def test_a_base_that_never_grows_needs_one_bit(base: int) -> None:
    assert POWER.bits(base, 10**4000) == 1
    assert POWER.predicted_digits(base, 10**4000) == 1


def test_the_exponent_must_not_be_negative_and_the_base_may() -> None:
    assert [parameter.minimum for parameter in POWER.parameters] == [None, 0]
