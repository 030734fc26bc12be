"""Child processes, and length-prefixed frames over a socket pair.

A child exits soon after its socket closes.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import cast

_LENGTH_BYTES = 4


class ChildProcess(asyncio.Protocol):
    """A child process as its parent sees it; `on_frame` is called with each frame.

    `ended` is done when the process has exited. Wait for it by asyncio.wait, which does not cancel it.
    """

    def __init__(self, process: subprocess.Popen[bytes], on_frame: Callable[[bytes], None]) -> None:
        self.pid = process.pid
        self._process = process
        self._on_frame = on_frame
        self._received = bytearray()
        self._transport: asyncio.WriteTransport
        self._finishing = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(cls, module: str, on_frame: Callable[[bytes], None], *arguments: str) -> "ChildProcess":
        """Run `python -m module DESCRIPTOR ARGUMENTS`; raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = subprocess.Popen(  # noqa: ASYNC220 - takes a few ms; uvloop's own needs signals to reap
                    [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            ours.setblocking(False)
            child = cls(process, on_frame)
            await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
        except BaseException:
            # A process that has started exits when its socket closes.
            ours.close()
            raise
        return child

    def send(self, frame: bytes) -> None:
        """Send one frame, unless the process has ended or finishes."""
        if not self._finishing and not self._transport.is_closing():
            self._transport.writelines([len(frame).to_bytes(_LENGTH_BYTES), frame])

    def kill(self) -> None:
        self._process.kill()

    async def finish(self, seconds: float) -> None:
        """Send buffered frames and close, so that the process exits; kill it after `seconds`."""
        self._finishing = True
        if not self._transport.is_closing():
            self._transport.write_eof()
        if not (await asyncio.wait((self.ended,), timeout=seconds))[0]:
            self.kill()
            await asyncio.wait((self.ended,))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while (end := _LENGTH_BYTES + int.from_bytes(received[:_LENGTH_BYTES])) <= len(received):
            frame = bytes(memoryview(received)[_LENGTH_BYTES:end])
            del received[:end]
            self._on_frame(frame)

    def connection_lost(self, error: Exception | None) -> None:
        # A process may have closed its socket without exiting.
        self._process.kill()
        self._process.wait()
        self.ended.set_result(None)
