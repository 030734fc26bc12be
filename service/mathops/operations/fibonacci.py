"""The n-th Fibonacci number, F(0) = 0 and F(1) = 1."""

import math

import gmpy2

from mathops.operations.operation import ROUNDING_MARGIN_BITS, Operation, Parameter

_LOG2_PHI = math.log2((1 + math.sqrt(5)) / 2)


def bits(n: int) -> float:
    """N * log2(phi) - log2(5)/2, from Binet's formula."""
    return n * _LOG2_PHI - math.log2(5) / 2 + ROUNDING_MARGIN_BITS


OPERATION = Operation(
    name="fib",
    alias="fibonacci",
    summary="the n-th Fibonacci number, exactly",
    parameters=(Parameter("n", "a non-negative integer; F(0) = 0, F(1) = 1", example=10, minimum=0),),
    bits=bits,
    seconds=None,
    compute=gmpy2.fib,
)
