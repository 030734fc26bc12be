"""A TCP proxy on loopback that simulates network failures."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

Outcome = TypeVar("Outcome")
Mode = Literal["pass", "refuse", "hang", "garble"]


class FaultProxy:
    """Forwards connections to `target`; changes of `mode` and `delay` (seconds for each response) act at once.

    refuse: close connections when they open; hang: accept connections and forward nothing;
    garble: corrupt responses.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.mode: Mode = "pass"
        self.delay = 0.0
        self.connections = 0
        # The number of next connections that are closed when they open.
        self.refusals = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def _call(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        await self._abort_connections()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every open connection."""
        self._call(self._abort_connections())

    async def _abort_connections(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def set(self, mode: Mode) -> None:
        """Change the mode; `refuse` also resets open connections."""
        self.mode = mode
        self._loop.call_soon_threadsafe(self._flowing.clear if mode == "hang" else self._flowing.set)
        if mode == "refuse":
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.mode == "refuse" or self.refusals:
            self.refusals = max(0, self.refusals - 1)
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection(*self.target)
                self._writers.add(far_writer)
                await asyncio.gather(
                    self._pump(reader, far_writer, back=False), self._pump(far_reader, writer, back=True)
                )
                self._writers.discard(far_writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: bool) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                if back and self.delay:
                    await asyncio.sleep(self.delay)
                if back and self.mode == "garble":
                    data = bytes(byte ^ 0x15 if place % 3 == 0 else byte for place, byte in enumerate(data))
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
