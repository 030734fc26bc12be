"""Child processes and operations for the tests of processes; children import this module by name."""

import asyncio
import os
import sys
import time
from collections.abc import Callable

from gmpy2 import mpz

from mathops.operations import Operation
from mathops.operations.operation import Parameter
from mathops.processes.parent import ParentConnection


def hold(milliseconds: int) -> mpz:
    time.sleep(milliseconds / 1000)
    return mpz(os.getpid())


# Sleeps and returns the id of its process.
HOLD = Operation(
    name="hold",
    alias="hold-for",
    summary="the process, after some time",
    parameters=(Parameter("milliseconds", "how long", example=5, minimum=0),),
    bits=float,
    seconds=None,
    compute=hold,
)


def shift(count: int) -> mpz:
    return mpz(7) << count


# Converting a large result takes long, computing it does not.
SHIFT = Operation(
    name="shift",
    alias="shift-left",
    summary="7 shifted to the left",
    parameters=(Parameter("count", "how far", example=5, minimum=0),),
    bits=float,
    seconds=None,
    compute=shift,
)


async def until(claim: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for an effect of other processes."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - there is no event for other processes
            await asyncio.sleep(0.01)


def main() -> None:
    """The argument after the descriptor selects the behaviour."""
    descriptor, behaviour = int(sys.argv[1]), sys.argv[2]
    parent = ParentConnection(descriptor)
    for frame in parent.frames():
        if behaviour == "echo":
            parent.send(frame)
        elif behaviour == "close":
            parent.connection.close()
            os.close(descriptor)
            time.sleep(60)
        elif behaviour == "half":
            os.write(descriptor, b"\0\0\0\x0aonly so f")
            return
    if behaviour == "linger":
        time.sleep(60)


if __name__ == "__main__":
    main()
