import pytest

from mathops.operations import FACTORIAL


@pytest.mark.parametrize(("n", "result"), [(0, 1), (1, 1), (2, 2), (5, 120), (20, 2432902008176640000)])
def test_it_is_exact(n: int, result: int) -> None:
    assert FACTORIAL.compute(n) == result


def test_it_has_a_short_and_a_long_path() -> None:
    assert FACTORIAL.paths == ("/fact", "/factorial")


def test_its_argument_must_not_be_negative() -> None:
    assert [parameter.minimum for parameter in FACTORIAL.parameters] == [0]
