"""HTTP/1.1 by uvicorn, with a limit on what uvicorn waits for without one: the head of a request."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.transport import GatheringTransport

# The service's own limits answer 414 and 431 far below; this bounds what one connection can fill.
MOST_HEAD_BYTES = 256 * 1024


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose next request, or the unread body of its last, is not here within `seconds`."""

    def __init__(self, seconds: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        """Begin to wait for the first request."""
        super().connection_made(cast(asyncio.Transport, GatheringTransport(transport, self.loop)))
        self._wait(0)

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether that made a request."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait(len(data))
        elif self._timer is not None:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait."""
        super().connection_lost(exc)
        self._settle()

    def _wait(self, size: int) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self.transport.close)
        if self.scope is None or "method" not in self.scope:
            self._head_bytes += size
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._head_bytes = 0
