"""The computing process: one computation at a time, with limits on memory and time.

GMP aborts the process when memory runs out, and Python runs no signal handler inside GMP. Therefore each limit ends
the process, which the web worker notices.
"""

import ctypes
import hashlib
import os
import pickle
import resource
import signal
import sys
import time

import msgspec

from mathops.operations.decimal_text import decimal_text
from mathops.processes.parent import ParentConnection

PRIORITY = 10
# The web worker enforces the deadline; a computation that it has abandoned ends this much later.
_KILL_DELAY_SECONDS = 0.5
# A frame after the parts of a text and its summary, and after the start of the process.
END = b""
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8


def limit_process(memory_bytes: int) -> None:
    """Lower the priority; on Linux also limit the address space and die with the parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(PRIORITY)
    if sys.platform == "linux":
        # macOS maps more than any useful limit at process start.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if hasattr(libc, "mallopt"):
            # glibc would reserve 128 MiB of address space for the allocations of a second thread.
            libc.mallopt(_M_ARENA_MAX, 1)


def main() -> None:
    """Arguments: the socket's descriptor and the address space in bytes."""
    parent = ParentConnection(int(sys.argv[1]))
    limit_process(int(sys.argv[2]))
    # The default action of SIGALRM ends the process inside a C call too, also an orphan on macOS.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    parent.send(END)
    for frame in parent.frames():
        compute, arguments, threads, seconds = pickle.loads(frame)  # noqa: S301 - from the parent process
        signal.setitimer(signal.ITIMER_REAL, seconds + _KILL_DELAY_SECONDS)
        started = time.perf_counter()
        integer = compute(*arguments)
        computed = time.perf_counter()
        sha256 = hashlib.sha256()
        for part in decimal_text(integer, threads):
            parent.send(part)
            sha256.update(part)
        ended = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0)
        parent.send(msgspec.msgpack.encode((sha256.hexdigest(), computed - started, ended - computed)))
        parent.send(END)


if __name__ == "__main__":
    main()
