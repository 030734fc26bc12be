"""Length-prefixed frames over sockets, and child processes that receive them."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Self, cast

from mathops.processes.signals import blocked_signals

_LENGTH_BYTES = 4

OnFrame = Callable[[bytes], None]


def encode_frame(frame: bytes) -> list[bytes]:
    """The parts to write: a length in 4 bytes, then the content."""
    return [len(frame).to_bytes(_LENGTH_BYTES), frame]


class FrameDecoder:
    """Splits a byte stream into frames."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """The frames that `data` completes."""
        received = self._received
        received += data
        frames = []
        while (end := _LENGTH_BYTES + int.from_bytes(received[:_LENGTH_BYTES])) <= len(received):
            frames.append(bytes(memoryview(received)[_LENGTH_BYTES:end]))
            del received[:end]
        return frames


class FrameConnection(asyncio.Protocol):
    """One end of a socket pair; `on_frame` is called with each frame.

    `ended` is done when the connection is closed. Wait for it by asyncio.wait, which does not cancel it.
    """

    def __init__(self, on_frame: OnFrame) -> None:
        self._on_frame = on_frame
        self._decoder = FrameDecoder()
        self._transport: asyncio.WriteTransport
        self._finishing = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self, connected: socket.socket) -> Self:
        """Take over a connected socket; raises OSError."""
        try:
            connected.setblocking(False)
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=connected)
        except BaseException:
            connected.close()
            raise
        return self

    def send(self, frame: bytes) -> None:
        """Send one frame, unless the connection is closed or finishes."""
        if not self._finishing and not self._transport.is_closing():
            self._transport.writelines(encode_frame(frame))

    async def finish(self, seconds: float) -> None:
        """Send buffered frames and close; wait at most `seconds` for the other end to close too."""
        self._finishing = True
        if not self._transport.is_closing():
            self._transport.write_eof()
        if not (await asyncio.wait((self.ended,), timeout=seconds))[0]:
            self._abort()
            await asyncio.wait((self.ended,))

    def _abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._on_frame(frame)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)


class ChildProcess(FrameConnection):
    """A child process as its parent sees it; `ended` is done when it has exited. It exits soon after `finish`."""

    def __init__(self, process: subprocess.Popen[bytes], on_frame: OnFrame) -> None:
        super().__init__(on_frame)
        self.pid = process.pid
        self._process = process

    @classmethod
    async def start(cls, module: str, on_frame: OnFrame, *arguments: str) -> "ChildProcess":
        """Run `python -m module DESCRIPTOR ARGUMENTS`; raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = run_module(module, theirs, *arguments)
        except OSError:
            ours.close()
            raise
        return await cls(process, on_frame).open(ours)

    def kill(self) -> None:
        self._process.kill()

    def _abort(self) -> None:
        self.kill()

    def connection_lost(self, error: Exception | None) -> None:
        # A process may have closed its socket without exiting.
        self._process.kill()
        self._process.wait()
        super().connection_lost(error)


def run_module(
    module: str, inherited: socket.socket, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start `python -m module DESCRIPTOR ARGUMENTS` with an inherited socket; raises OSError."""
    with blocked_signals():
        return subprocess.Popen(
            [sys.executable, "-m", module, str(inherited.fileno()), *arguments],
            pass_fds=[inherited.fileno()],
            stdin=stdin,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
