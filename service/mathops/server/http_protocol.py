"""HTTP/1.1 by uvicorn, with limits on what uvicorn takes without any: waiting callers, and how many of them."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.server.transport import CoalescingTransport, WriteBatcher
from mathops.settings import Settings
from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT

# The service's own limits answer 414 and 431 far below; this bounds what one connection can fill.
MAX_HEAD_BYTES = 256 * 1024
# Connections beyond the limit take up descriptors too, until they have sent what is to be refused.
_OVER_LIMIT_READ_SECONDS = 1.0


class TimeoutProtocol(HttpToolsProtocol):
    """Closes a connection that is too slow to send its next request, or to read an answer.

    Requests on a connection beyond the limit are marked as OVER_CONNECTION_LIMIT.
    """

    def __init__(self, settings: Settings, batcher: WriteBatcher, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = settings
        self._batcher = batcher
        self._over_connection_limit = False
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        """Begin to wait for the first request."""
        super().connection_made(cast(asyncio.Transport, CoalescingTransport(transport, self._batcher)))
        self._over_connection_limit = len(self.connections) > self._settings.connections
        self._start_read_timer(0)

    def on_message_begin(self) -> None:
        """Mark a request that is to be refused."""
        super().on_message_begin()
        if self._over_connection_limit:
            self.scope["extensions"] = {OVER_CONNECTION_LIMIT: {}}

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether that made a request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._start_read_timer(len(data))
        elif self._read_timer is not None:
            self._stop_read_timer()

    def pause_writing(self) -> None:
        """Begin to wait for the caller to read."""
        super().pause_writing()
        # What was not read would keep a mere close waiting too.
        self._write_timer = self.loop.call_later(self._settings.write_timeout_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """End that wait."""
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waits."""
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
