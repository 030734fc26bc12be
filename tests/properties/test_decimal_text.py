"""The text of large integers agrees with GMP's own conversion, with one thread and with two."""

import threading
from collections.abc import Iterator

import pytest
from gmpy2 import mpz
from hypothesis import example, given
from hypothesis import strategies as st

from mathops.operations import decimal_text as conversion
from mathops.operations.decimal_text import decimal_text

MIN_DIGITS = 100_000
digits = st.integers(MIN_DIGITS - 2, 2 * MIN_DIGITS)
small = st.integers(-(10**40), 10**40)
threads = st.sampled_from([1, 2])


def text(integer: mpz, count: int) -> str:
    return b"".join(decimal_text(integer, count)).decode("ascii")


@pytest.fixture(autouse=True, scope="module")
def lower_threshold() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "MIN_DIGITS", MIN_DIGITS)
        yield


@pytest.fixture
def no_further_thread() -> Iterator[None]:
    """No address space is large enough for this stack."""
    before = threading.stack_size(1 << 47)
    yield
    threading.stack_size(before)


@given(digits, small, small, threads)
@example(MIN_DIGITS, 0, 0, 2)
@example(MIN_DIGITS, 1, 0, 2)
@example(MIN_DIGITS, 1, -1, 2)
@example(MIN_DIGITS, -1, 0, 2)
@example(MIN_DIGITS, -1, 1, 2)
def test_long_runs_of_zeros_and_nines_are_exact(count: int, high: int, low: int, threads: int) -> None:
    integer = mpz(10) ** count * high + low

    assert text(integer, threads) == integer.digits()


@given(digits, st.integers(2, 10**6), st.booleans(), threads)
def test_a_power_is_exact(count: int, base: int, negative: bool, threads: int) -> None:
    integer = mpz(base) ** (count * 3322 // 1000 // base.bit_length()) * (-1 if negative else 1)

    assert text(integer, threads) == integer.digits()


@pytest.mark.parametrize("leaf", range(1, 8))
@pytest.mark.parametrize("low", [-1, 0, 1])
def test_leaves_keep_their_leading_zeros(leaf: int, low: int) -> None:
    # 100,000 digits are eight leaves of 12,500 digits.
    integer = mpz(10) ** 99_999 + mpz(10) ** (12_500 * leaf) + low

    assert text(integer, 2) == integer.digits()


@pytest.mark.usefixtures("no_further_thread")
def test_one_thread_converts_where_no_second_can_start() -> None:
    integer = mpz(7) ** MIN_DIGITS * 7**MIN_DIGITS

    assert text(integer, 2) == integer.digits()


def test_the_leading_digits_are_the_first_part() -> None:
    integer = mpz(7) ** (8 * MIN_DIGITS)
    first, *others = decimal_text(integer, 2)

    assert others
    assert integer.digits().startswith(first.decode("ascii"))
