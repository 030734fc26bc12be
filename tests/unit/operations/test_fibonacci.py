import pytest

from mathops.operations import FIBONACCI


@pytest.mark.parametrize(("n", "result"), [(0, 0), (1, 1), (2, 1), (3, 2), (10, 55), (100, 354224848179261915075)])
def test_it_is_exact(n: int, result: int) -> None:
    assert FIBONACCI.compute(n) == result


def test_it_has_a_short_and_a_long_path() -> None:
    assert FIBONACCI.paths == ("/fib", "/fibonacci")


def test_its_index_must_not_be_negative() -> None:
    assert [parameter.minimum for parameter in FIBONACCI.parameters] == [0]
