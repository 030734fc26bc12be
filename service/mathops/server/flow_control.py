"""Pauses of reading from a connection."""

import asyncio
from collections import deque
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

# Reading the body of a rejected request pauses for this time after this number of bytes.
_DISCARDED_BYTES = 256 * 1024
_DISCARD_SECONDS = 0.01


class PipelineFlowControl(FlowControl):
    """Reads nothing while a pipelined request waits for the responses before it."""

    def __init__(self, transport: asyncio.Transport, pipeline: deque[Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport)
        self._pipeline = pipeline
        self._loop = loop
        self._discarded_bytes = 0

    def resume_reading(self) -> None:
        if self.read_paused and not self._pipeline:
            super().resume_reading()

    def discard(self, size: int) -> None:
        """Limit the rate of reading the body of a rejected request, so that a flood does not delay others.

        Closing the connection instead would reset it, and a client or proxy that still sends would lose the response.
        """
        self._discarded_bytes += size
        if self._discarded_bytes > _DISCARDED_BYTES:
            self._discarded_bytes = 0
            self.pause_reading()
            self._loop.call_later(_DISCARD_SECONDS, self._continue_reading)

    def _continue_reading(self) -> None:
        if not self._transport.is_closing():
            self.resume_reading()
