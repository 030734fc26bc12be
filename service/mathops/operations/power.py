"""Power of two integers."""

import math

from gmpy2 import mpz

from mathops.operations.operation import ROUNDING_MARGIN_BITS, Operation, Parameter


def bits(base: int, exp: int) -> float:
    """Exp * log2|base|, the logarithm of the definition."""
    return exp * math.log2(abs(base)) + ROUNDING_MARGIN_BITS if abs(base) > 1 else 1


def compute(base: int, exp: int) -> mpz:
    """0**0 = 1; gmpy2 accepts an exponent of any size for |base| <= 1."""
    return mpz(base) ** exp


OPERATION = Operation(
    name="pow",
    alias="power",
    summary="base to the power of exp, exactly",
    parameters=(
        Parameter("base", "any integer", example=2),
        Parameter("exp", "a non-negative integer; 0**0 is 1", example=5, minimum=0),
    ),
    bits=bits,
    seconds=None,
    compute=compute,
)
