"""The factorial of n, 0! = 1."""

import math

import gmpy2

from mathops.operations.operation import ROUNDING_MARGIN_BITS, Operation, Parameter


def bits(n: int) -> float:
    """lgamma(n + 1) / ln 2, as n! = Gamma(n + 1)."""
    return math.lgamma(n + 1) / math.log(2) + ROUNDING_MARGIN_BITS


OPERATION = Operation(
    name="fact",
    alias="factorial",
    summary="n factorial, exactly",
    parameters=(Parameter("n", "a non-negative integer; 0! = 1", example=5, minimum=0),),
    bits=bits,
    seconds=None,
    compute=gmpy2.fac,
)
