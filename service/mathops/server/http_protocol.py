"""HTTP/1.1 by uvicorn, with limits on what uvicorn takes without any: waiting callers, and how many of them."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.server.transport import GatheringTransport, Turn
from mathops.settings import Settings
from mathops.web.middleware.request_limits import CROWDED

# The service's own limits answer 414 and 431 far below; this bounds what one connection can fill.
MOST_HEAD_BYTES = 256 * 1024
# Connections beyond the limit take up descriptors too, until they have sent what is to be refused.
_CROWDED_SECONDS = 1.0


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection that is too slow to send its next request, or to read an answer.

    Requests on a connection beyond the limit are marked as CROWDED.
    """

    def __init__(self, settings: Settings, turn: Turn, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = settings
        self._turn = turn
        self._crowded = False
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        """Begin to wait for the first request."""
        super().connection_made(cast(asyncio.Transport, GatheringTransport(transport, self._turn)))
        self._crowded = len(self.connections) > self._settings.connections
        self._wait(0)

    def on_message_begin(self) -> None:
        """Mark a request that is to be refused."""
        super().on_message_begin()
        if self._crowded:
            self.scope["extensions"] = {CROWDED: {}}

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether that made a request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait(len(data))
        elif self._timer is not None:
            self._settle()

    def pause_writing(self) -> None:
        """Begin to wait for the caller to read."""
        super().pause_writing()
        # What was not read would keep a mere close waiting too.
        self._unread = self.loop.call_later(self._settings.write_timeout_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """End that wait."""
        super().resume_writing()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waits."""
        super().connection_lost(exc)
        self._settle()
        self._read()

    def _wait(self, size: int) -> None:
        if self._timer is None:
            seconds = _CROWDED_SECONDS if self._crowded else self._settings.read_timeout_seconds
            self._timer = self.loop.call_later(seconds, self.transport.close)
        if self.scope is None or "method" not in self.scope:
            self._head_bytes += size
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._head_bytes = 0

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
        self._unread = None
