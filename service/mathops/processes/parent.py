"""The child's end of the socket to its parent, with blocking calls."""

import contextlib
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection

from mathops.processes.signals import ignore_signals


class ParentConnection:
    """Frames as Connection writes them: a length in 4 bytes, then the content."""

    def __init__(self, descriptor: int) -> None:
        ignore_signals()
        # The inherited descriptor stays open until the process exits, so that the parent sees EOF only at exit.
        self.connection = Connection(os.dup(descriptor))

    def frames(self) -> Iterator[bytes]:
        """Frames until the parent has closed or died."""
        return iter(self._receive, None)

    def _receive(self) -> bytes | None:
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def send(self, frame: bytes) -> None:
        """Send one frame unless the parent has ended."""
        with contextlib.suppress(ConnectionError):
            self.connection.send_bytes(frame)
