"""Child processes, and length-prefixed frames over a socket pair.

A child exits when its socket closes, so it never outlives its parent.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import cast

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 18


def _pop_frame(received: bytearray) -> bytes | None:
    """Remove the first complete frame, or return None."""
    if len(received) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(received)
    end = _LENGTH.size + length
    if len(received) < end:
        return None
    with memoryview(received) as view:
        frame = bytes(view[_LENGTH.size : end])
    del received[:end]
    return frame


def _framed(parts: Sequence[bytes]) -> list[bytes]:
    return [_LENGTH.pack(sum(map(len, parts))), *parts]


class ChildProcess(asyncio.Protocol):
    """The parent's end; `on_frame` is called with each frame.

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

    def send(self, *parts: bytes) -> None:
        """Send one frame, the concatenation of `parts`, unless the process has ended or finishes."""
        if not self._finishing and not self._transport.is_closing():
            self._transport.writelines(_framed(parts))

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
        self._received += data
        while (frame := _pop_frame(self._received)) is not None:
            self._on_frame(frame)

    def connection_lost(self, error: Exception | None) -> None:
        # A process may have closed its socket without exiting.
        self._process.kill()
        self._process.wait()
        self.ended.set_result(None)


class ParentConnection:
    """The child's end; synchronous."""

    def __init__(self, descriptor: int) -> None:
        # A terminal signals the whole process group, but only the parent decides when a child exits.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        # The inherited descriptor stays open until the process has exited; the parent waits for that.
        self.socket = socket.socket(fileno=os.dup(descriptor))
        self._received = bytearray()

    def receive(self) -> bytes | None:
        """The next frame; None after the parent has closed or died."""
        while (frame := _pop_frame(self._received)) is None:
            if not self._read():
                return None
        return frame

    def frames(self) -> Iterator[bytes]:
        return iter(self.receive, None)

    def receive_batch(self, max_frames: int, seconds: float) -> tuple[list[bytes], bool]:
        """The frames that have arrived, waiting `seconds` for the first, and whether the parent has ended."""
        frames: list[bytes] = []
        while len(frames) < max_frames:
            if (frame := _pop_frame(self._received)) is not None:
                frames.append(frame)
                continue
            ready, _, _ = select.select([self.socket], [], [], 0 if frames else seconds)
            if not ready:
                break
            if not self._read():
                return frames, True
        return frames, False

    def _read(self) -> bool:
        try:
            data = self.socket.recv(_CHUNK)
        except ConnectionError:
            return False
        self._received += data
        return bool(data)

    def send(self, *parts: bytes) -> None:
        """Send one frame, the concatenation of `parts`, unless the parent has ended."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(b"".join(_framed(parts)))
