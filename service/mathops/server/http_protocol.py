"""uvicorn's HTTP/1.1 protocol with read and write timeouts, a connection limit and collected writes."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.settings import Settings
from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT

# Bounds the memory of one connection. The application rejects smaller heads already (414, 431).
MAX_HEAD_BYTES = 256 * 1024
# A rejected connection occupies a file descriptor until its first request has arrived.
_OVER_LIMIT_READ_SECONDS = 1.0
# Larger writes are sent at once, because flow control does not see collected data.
_SMALL_BYTES = 16 * 1024


class ResponseWriter:
    """The methods of a transport that uvicorn calls on a connection.

    Collects small writes until the next turn of the event loop. uvicorn writes head and body separately, which would be
    two system calls and two packets, and responses to a group commit are then sent one right after the other.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.abort = transport.abort
        # Bound once because uvicorn calls it for each response.
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        self._parts.append(data)
        if len(data) > _SMALL_BYTES:
            self._flush()
        elif len(self._parts) == 1:
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self.is_closing():
            self._transport.writelines(parts)


class TimeoutProtocol(HttpToolsProtocol):
    """Closes connections that are too slow to send a request or to read a response.

    Marks requests on connections above the limit with the ASGI extension OVER_CONNECTION_LIMIT.
    """

    def __init__(self, settings: Settings, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = settings
        self._over_connection_limit = False
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, ResponseWriter(transport, self.loop))
        self._over_connection_limit = len(self.connections) > self._settings.connections
        self._start_read_timer(0)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._over_connection_limit:
            self.scope["extensions"] = {OVER_CONNECTION_LIMIT: {}}

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._start_read_timer(len(data))
        elif self._read_timer is not None:
            self._stop_read_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        # Unlike close, abort does not wait for the client to read what is buffered.
        self._write_timer = self.loop.call_later(self._settings.write_timeout_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_read_timer()
        self._stop_write_timer()

    def _start_read_timer(self, size: int) -> None:
        if self._read_timer is None:
            seconds = _OVER_LIMIT_READ_SECONDS if self._over_connection_limit else self._settings.read_timeout_seconds
            self._read_timer = self.loop.call_later(seconds, self.transport.close)
        if self.scope is None or "method" not in self.scope:
            self._head_bytes += size
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
        self._read_timer = None
        self._head_bytes = 0

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
        self._write_timer = None
