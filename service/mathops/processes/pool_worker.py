"""The computing process: takes one computation at a time, under limits of memory and time.

GMP ends the process when memory runs out, and no signal handler runs inside it; so limits here are those
that end a process, and the web worker sees that as an answer.
"""

import ctypes
import os
import pickle
import resource
import signal
import sys
import time

import msgspec

from mathops.operations.operation import Result
from mathops.processes.ipc import ParentConnection

PRIORITY = 10
# The web worker keeps the deadline itself; this much later a computation that nobody waits for ends.
_SLACK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


def limit_process(memory_bytes: int) -> None:
    """Bound this process: a priority below the web worker's, and on Linux address space and death with its parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(PRIORITY)
    if sys.platform == "linux":
        # macOS maps more than any bound of use before a process has begun.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Arguments: the socket's descriptor and the address space in bytes."""
    parent = ParentConnection(int(sys.argv[1]))
    limit_process(int(sys.argv[2]))
    # SIGALRM's default action ends the process inside a C call too; where there is no
    # parent-death signal it is what stops an orphan.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent.send()
    for frame in parent.frames():
        compute, arguments, seconds = pickle.loads(frame)  # noqa: S301 - from our own parent
        signal.setitimer(signal.ITIMER_REAL, seconds + _SLACK_SECONDS)
        started = time.perf_counter()
        value = compute(*arguments)
        computed = time.perf_counter()
        result = Result.of(value.digits().encode("ascii"))
        ended = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0)
        timing = msgspec.msgpack.encode((result.digits, computed - started, ended - computed))
        parent.send(len(timing).to_bytes(2), timing, result.text)


if __name__ == "__main__":
    main()
