"""A process of our own at the other end of a socket pair, and the frames between us.

Each child ends when its socket closes, so none outlives the process that started it.
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
_kept_open: list[socket.socket] = []


def _pop_frame(received: bytearray) -> bytes | None:
    """Take one whole frame off the front, or None."""
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
    """The parent's end: `on_frame` is called for each frame that comes.

    `ended` is done once the process has ended; wait for it by asyncio.wait, which leaves it alone when cancelled.
    """

    def __init__(self, on_frame: Callable[[bytes], None]) -> None:
        self._on_frame = on_frame
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._finishing = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def start(cls, module: str, on_frame: Callable[[bytes], None], *arguments: str) -> "ChildProcess":
        """Run `python -m module FD ARGUMENTS` and connect to it; raises OSError."""
        child = cls(on_frame)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child._process = subprocess.Popen(  # noqa: ASYNC220 - a few ms, and uvloop's own would reap through signals
                    [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            ours.setblocking(False)
            await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
        except BaseException:
            # At this a process that has started ends.
            ours.close()
            raise
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def send(self, *parts: bytes) -> None:
        """Send one frame, made of `parts`; a process that has ended, or is to end, needs none."""
        assert self._transport is not None
        if not self._finishing and not self._transport.is_closing():
            self._transport.writelines(_framed(parts))

    def kill(self) -> None:
        """End the process at once."""
        assert self._process is not None
        self._process.kill()

    async def finish(self, seconds: float) -> None:
        """Send what is left and close, at which the process ends by itself; kill it after that many `seconds`."""
        assert self._transport is not None
        self._finishing = True
        if not self._transport.is_closing():
            self._transport.write_eof()
        if not (await asyncio.wait((self.ended,), timeout=seconds))[0]:
            self.kill()
            await asyncio.wait((self.ended,))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio.Protocol)."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Cut what came into frames (asyncio.Protocol)."""
        self._received += data
        while (frame := _pop_frame(self._received)) is not None:
            self._on_frame(frame)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell of the end and leave no zombie (asyncio.Protocol)."""
        assert self._process is not None
        # A process that closed its socket without ending is of no use to anyone.
        self._process.kill()
        self._process.wait()
        self.ended.set_result(None)


class ParentConnection:
    """The child's end, synchronous."""

    def __init__(self, descriptor: int) -> None:
        # What a terminal or a supervisor sends goes to the whole group; the parent decides when we end.
        for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signal_, signal.SIG_IGN)
        self.socket = socket.socket(fileno=descriptor)
        # Our end of it tells the parent that we have ended, so it stays open until then.
        _kept_open.append(self.socket)
        self._received = bytearray()

    def receive(self) -> bytes | None:
        """The next frame; None when the parent has closed or died."""
        while (frame := _pop_frame(self._received)) is None:
            if not self._read():
                return None
        return frame

    def frames(self) -> Iterator[bytes]:
        """Frames until the parent closes."""
        while (frame := self.receive()) is not None:
            yield frame

    def receive_batch(self, most: int, seconds: float) -> tuple[list[bytes], bool]:
        """Up to `most` frames, after a wait of `seconds` for the first; and whether the parent has ended."""
        frames: list[bytes] = []
        while len(frames) < most:
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
        """Send one frame, made of `parts`; a parent that is gone needs none."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(b"".join(_framed(parts)))
