"""An operation that fails."""

from gmpy2 import mpz

from mathops.operations import Operation, Parameter


def _fail(n: int) -> mpz:
    if n == 13:
        raise RuntimeError("broken")
    return mpz(n)


FAILING = Operation(
    name="fail",
    alias="failing",
    summary="fails at 13",
    parameters=(Parameter("n", "any", example=1),),
    bits=lambda _: 1.0,
    seconds=None,
    compute=_fail,
)
