"""The text of large integers agrees with GMP's own conversion, with one thread and with two."""

import threading
from collections.abc import Iterator

import pytest
from gmpy2 import mpz
from hypothesis import example, given
from hypothesis import strategies as st

from mathops.operations.decimal_text import MIN_DIGITS, decimal_text

# The powers of ten near these are the boundaries of parts, 12,500 and 11,250 digits long.
EVEN, UNEVEN = MIN_DIGITS, 180_000

digits = st.integers(MIN_DIGITS - 2, 2 * MIN_DIGITS)
small = st.integers(-(10**40), 10**40)
threads = st.sampled_from([1, 2])


def text(integer: mpz, count: int) -> str:
    return b"".join(decimal_text(integer, count)).decode("ascii")


@pytest.fixture
def no_further_thread() -> Iterator[None]:
    """No address space is large enough for this stack."""
    before = threading.stack_size(1 << 47)
    yield
    threading.stack_size(before)


@given(digits, small, small, threads)
@example(EVEN, 0, 0, 2)
@example(EVEN, 0, -1, 2)
@example(EVEN, 1, 0, 2)
@example(EVEN, 1, -1, 2)
@example(EVEN, -1, 0, 2)
@example(EVEN, -1, 1, 2)
@example(UNEVEN, 1, 0, 2)
@example(UNEVEN, 1, -1, 1)
def test_long_runs_of_zeros_and_nines_are_exact(count: int, high: int, low: int, threads: int) -> None:
    integer = mpz(10) ** count * high + low

    assert text(integer, threads) == integer.digits()


@given(digits, st.integers(2, 10**6), st.booleans(), threads)
def test_a_power_is_exact(count: int, base: int, negative: bool, threads: int) -> None:
    integer = mpz(base) ** (count * 3322 // 1000 // base.bit_length()) * (-1 if negative else 1)

    assert text(integer, threads) == integer.digits()


@pytest.mark.usefixtures("no_further_thread")
def test_one_thread_converts_where_no_second_can_start() -> None:
    integer = mpz(7) ** MIN_DIGITS * 7**MIN_DIGITS

    assert text(integer, 2) == integer.digits()


def test_the_leading_digits_are_the_first_part() -> None:
    integer = mpz(7) ** (4 * MIN_DIGITS)
    parts = list(decimal_text(integer, 2))

    assert len(parts) > 8
    assert max(map(len, parts)) <= 20_000
    assert integer.digits().startswith(parts[0].decode())
