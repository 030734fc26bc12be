"""What an answer is made of leaves in one packet."""

import asyncio
from typing import Any

# What is larger goes at once: waiting would only hold it in memory, out of sight of flow control.
_SMALL_BYTES = 16 * 1024
_OURS = {"write", "writelines", "close"}
_FORWARDED = [name for name in dir(asyncio.Transport) if not name.startswith("_") and name not in _OURS]


class WriteBatcher:
    """The transports that have something to send at the end of this batcher of the event loop."""

    def __init__(self) -> None:
        self._waiting: list[CoalescingTransport] = []

    def add(self, transport: "CoalescingTransport") -> None:
        """Flush `transport` at the end of this batcher."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(transport)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            try:
                transport.flush()
            except Exception as error:  # one caller's fault is not to keep the others waiting
                message = {"message": "an answer could not be sent", "exception": error}
                asyncio.get_running_loop().call_exception_handler(message)


class CoalescingTransport:
    """A transport that sends what one batcher of the event loop writes by one system call.

    uvicorn writes head and body apart, and each write would be a packet and a wake-up of the reader.
    """

    # Bound below; these are what is called on each answer.
    is_closing: Any

    def __init__(self, transport: asyncio.Transport, batcher: WriteBatcher) -> None:
        self._transport = transport
        self._batcher = batcher
        self._parts: list[bytes] = []
        # All else is the transport's own. Not by __getattr__, which slows down every attribute of its class.
        for name in _FORWARDED:
            setattr(self, name, getattr(transport, name))

    def write(self, data: bytes) -> None:
        """Send `data` at the end of this batcher, or now if it is large."""
        self._parts.append(data)
        if len(data) > _SMALL_BYTES:
            self.flush()
        elif len(self._parts) == 1:
            self._batcher.add(self)

    def close(self) -> None:
        """Close once all is sent."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what has been written."""
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)
