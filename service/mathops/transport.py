"""What an answer is made of leaves in one packet."""

import asyncio
from typing import Any

# What is larger goes at once: waiting would only hold it in memory, out of sight of flow control.
_SMALL_BYTES = 16 * 1024


class GatheringTransport:
    """A transport that sends what one turn of the event loop writes by one system call.

    uvicorn writes head and body apart, and each write would be a packet and a wake-up of the reader.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """All else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data` at the end of this turn, or now if it is large."""
        self._parts.append(data)
        if len(data) > _SMALL_BYTES:
            self._flush()
        elif len(self._parts) == 1:
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Close once all is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)
