"""Decimal text of large integers, converted by two threads through divide and conquer.

gmpy2 holds the GIL in `digits()`, but can release it in divisions, which take most of the time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

import gmpy2
from gmpy2 import mpz

# Two threads convert shorter integers no faster than one.
MIN_DIGITS = 1_000_000
# Longer leaves hold the GIL for more of the time, shorter ones take more calls; both are slower.
_LEAF_DIGITS = 20_000
# The receiver of the text wakes up once for each part.
_LEAVES_PER_PART = 16
_WITHOUT_GIL = gmpy2.context(allow_release_gil=True)


def decimal_text(integer: mpz, threads: int = 1) -> Iterator[bytes]:
    """The text in parts, the most significant digits first, converted by one or two threads."""
    digits = integer.num_digits(10)
    if threads == 1 or digits < MIN_DIGITS:
        yield integer.digits().encode("ascii")
        return
    halvings = (digits // _LEAF_DIGITS).bit_length()
    width = -(-digits >> halvings)
    *powers, power = _powers(width, halvings)
    high, low = _WITHOUT_GIL.divmod(abs(integer), power)
    parts, later = _parts(high, powers, width), _parts(low, powers, width)
    with ThreadPoolExecutor(1) as executor:
        try:
            converted = executor.submit(list, later).result
        except RuntimeError:
            # The limit of threads or of memory permits no second thread.
            converted = partial(list, later)
        # The number of leading zeros is less than that of the leaves, and each leaf has more than 10,000 digits.
        yield (b"-" if integer < 0 else b"") + next(parts).lstrip(b"0")
        yield from parts
        yield from converted()


def _powers(width: int, halvings: int) -> list[mpz]:
    """10 to the power of width * 2**i for each i below `halvings`."""
    powers = [mpz(10) ** width]
    for _ in range(1, halvings):
        powers.append(_WITHOUT_GIL.mul(powers[-1], powers[-1]))
    return powers


def _parts(integer: mpz, powers: list[mpz], width: int) -> Iterator[bytes]:
    leaves = _leaves(integer, powers, width)
    while part := b"".join(islice(leaves, _LEAVES_PER_PART)):
        yield part


def _leaves(integer: mpz, powers: list[mpz], width: int) -> Iterator[bytes]:
    """Exactly `width` digits each, with leading zeros; 2**len(powers) leaves."""
    if not powers:
        yield integer.digits().encode("ascii").zfill(width)
        return
    *powers, power = powers
    high, low = _WITHOUT_GIL.divmod(integer, power)
    yield from _leaves(high, powers, width)
    yield from _leaves(low, powers, width)
