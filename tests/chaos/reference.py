"""Reference results by Python's decimal module, independent of GMP and of the service's code."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

# Inexact results raise instead of being rounded.
_EXACT = decimal.Context(prec=4_000_000, Emax=decimal.MAX_EMAX, traps=[decimal.Inexact, decimal.Overflow])


@lru_cache(maxsize=2000)
def result(operation: str, *arguments: int) -> str:
    """The decimal digits of an operation's result."""
    with decimal.localcontext(_EXACT):
        return str(_OPERATIONS[operation](*arguments))


def _power(base: int, exp: int) -> Decimal:
    product, square = Decimal(1), Decimal(base)
    while exp:
        if exp & 1:
            product *= square
        exp >>= 1
        if exp:
            square *= square
    return product


def _fibonacci(n: int) -> Decimal:
    current, following = Decimal(0), Decimal(1)
    for bit in f"{n:b}":
        doubled = current * (2 * following - current)
        beyond = current * current + following * following
        current, following = (beyond, doubled + beyond) if bit == "1" else (doubled, beyond)
    return current


def _factorial(n: int) -> Decimal:
    return _product(1, n + 1)


def _product(first: int, end: int) -> Decimal:
    if end - first < 2:
        return Decimal(first if first < end else 1)
    middle = (first + end) // 2
    return _product(first, middle) * _product(middle, end)


_OPERATIONS: dict[str, Callable[..., Decimal]] = {"pow": _power, "fib": _fibonacci, "fact": _factorial}
