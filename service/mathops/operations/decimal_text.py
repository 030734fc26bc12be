"""Decimal text of large integers by divide and conquer.

gmpy2 holds the GIL in `digits()`, but can release it in divisions and multiplications, which take most of the time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import gmpy2
from gmpy2 import mpz

# Shorter integers take at most 3 ms.
MIN_DIGITS = 100_000
# Longer parts hold the GIL for more of the time, shorter ones take more calls; both are slower.
_PART_DIGITS = 20_000
_WITHOUT_GIL = gmpy2.context(allow_release_gil=True)


def decimal_text(integer: mpz, threads: int = 1) -> Iterator[bytes]:
    """The text in parts, the most significant digits first, converted by one or two threads."""
    if integer < 0:
        yield b"-"
        integer = -integer
    digits = integer.num_digits(10)
    if digits < MIN_DIGITS:
        yield integer.digits().encode("ascii")
        return
    halvings = (digits // _PART_DIGITS).bit_length()
    width = -(-digits >> halvings)
    parts = _halves(integer, _powers(width, halvings), width, threads)
    first = b""
    while not first:
        first = next(parts).lstrip(b"0")
    yield first
    yield from parts


def _powers(width: int, halvings: int) -> list[mpz]:
    """10 to the power of width * 2**i for each i below `halvings`."""
    powers = [mpz(10) ** width]
    for _ in range(1, halvings):
        powers.append(_WITHOUT_GIL.mul(powers[-1], powers[-1]))
    return powers


def _halves(integer: mpz, powers: list[mpz], width: int, threads: int) -> Iterator[bytes]:
    """Parts of exactly `width` digits, with leading zeros."""
    if not powers:
        yield integer.digits().encode("ascii").zfill(width)
        return
    *powers, power = powers
    high, low = _WITHOUT_GIL.divmod(integer, power)
    if threads == 1:
        yield from _halves(high, powers, width, 1)
        yield from _halves(low, powers, width, 1)
        return
    with ThreadPoolExecutor(1) as executor:
        later = _halves(low, powers, width, 1)
        try:
            converted = executor.submit(list, later)
        except RuntimeError:
            # The limit of threads or of memory permits no further thread.
            yield from _halves(high, powers, width, 1)
            yield from later
        else:
            yield from _halves(high, powers, width, 1)
            yield from converted.result()
