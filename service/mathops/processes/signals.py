"""Signals that a terminal, or an operator, sends to the whole process group."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_GROUP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def ignore_signals() -> None:
    """Only the parent decides when a child exits."""
    for number in _GROUP:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Processes started in the block receive none of the signals before they ignore them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _GROUP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
