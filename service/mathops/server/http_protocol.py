"""uvicorn's HTTP/1.1 protocol with read and write timeouts, a connection limit and one packet per small response."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.settings import Settings
from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT

# Bounds the memory of one connection. The application rejects smaller heads already (414, 431).
MAX_HEAD_BYTES = 256 * 1024
# A rejected connection occupies a file descriptor until its first request has arrived.
_OVER_LIMIT_READ_SECONDS = 1.0


class ResponseWriter:
    """The part of a transport that uvicorn writes responses to.

    Holds the head of a response until the first write of its body, to send both in one system call.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self._in_body = False
        # Called for each response, therefore bound once.
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines((head, data))
        elif self._in_body or data.startswith(b"HTTP/1.1 100 "):
            self._transport.write(data)
        else:
            self._head = data
            self._in_body = True

    def end_response(self) -> None:
        """Send a head without a body; the next write is a head again."""
        self._in_body = False
        head, self._head = self._head, None
        if head is not None and not self.is_closing():
            self._transport.write(head)

    def close(self) -> None:
        self.end_response()
        self._transport.close()


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
        self._writer = ResponseWriter(transport)
        self._over_connection_limit = len(self.connections) > self._settings.connections
        self._start_read_timer(0)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._over_connection_limit:
            self.scope["extensions"] = {OVER_CONNECTION_LIMIT: {}}

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.transport = cast(asyncio.Transport, self._writer)

    def on_response_complete(self) -> None:
        self._writer.end_response()
        super().on_response_complete()

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
