"""Checks the reference results against independent arithmetic."""

import math

import pytest

from tests.chaos.reference import result


@pytest.mark.parametrize(("base", "exp"), [(0, 0), (0, 5), (1, 99), (-1, 99), (-3, 41), (2, 5000), (999, 60)])
def test_power_equals_integer_power(base: int, exp: int) -> None:
    assert result("pow", base, exp) == str(base**exp)


@pytest.mark.parametrize("n", [0, 1, 2, 20, 1000])
def test_factorial_equals_math_factorial(n: int) -> None:
    assert result("fact", n) == str(math.factorial(n))


def test_each_fibonacci_number_is_the_sum_of_the_two_before() -> None:
    current, following = 0, 1
    for n in range(500):
        assert result("fib", n) == str(current)
        current, following = following, current + following
