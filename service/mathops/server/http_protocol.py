"""The HTTP/1.1 protocol with read and write timeouts, a connection limit and coalesced writes."""

import asyncio
import fcntl
import sys
import termios
from typing import Any, cast

from mathops.server.strict_http import StrictHttpProtocol
from mathops.settings import Settings
from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT

# A rejected connection occupies a file descriptor until its first request has arrived.
_OVER_LIMIT_READ_SECONDS = 1.0
# After a stop an idle connection accepts one more request, which may be on its way already.
_LAST_REQUEST_SECONDS = 1.0
# Larger writes are sent at once, because flow control does not see unsent data.
_SMALL_BYTES = 16 * 1024


class ResponseWriter:
    """The methods of a transport that uvicorn calls on a connection.

    Coalesces small writes until the next iteration of the event loop. uvicorn writes head and body separately, which
    would be two system calls and two packets, and responses to a group commit are then sent one right after the other.
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

    def unsent_bytes(self) -> int:
        """Bytes in this process, and on Linux in the kernel, that the client has not acknowledged."""
        in_kernel = bytes(4)
        if sys.platform == "linux":
            in_kernel = fcntl.ioctl(self._transport.get_extra_info("socket"), termios.TIOCOUTQ, in_kernel)
        return self._transport.get_write_buffer_size() + int.from_bytes(in_kernel, sys.byteorder)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self.is_closing():
            self._transport.writelines(parts)


class TimeoutProtocol(StrictHttpProtocol):
    """Closes connections that are too slow to send a request or to read a response.

    Marks requests on connections above the limit with the ASGI extension OVER_CONNECTION_LIMIT.
    """

    __slots__ = (
        "_deadline",
        "_deadline_timer",
        "_over_connection_limit",
        "_read_started",
        "_settings",
        "_stopping",
        "_unsent_bytes",
        "_write_timer",
        "_writer",
    )

    def __init__(self, settings: Settings, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = settings
        self._over_connection_limit = False
        # Of the next complete request, in seconds of the event loop's clock.
        self._deadline = 0.0
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._read_started = False
        self._stopping = False
        self._write_timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        super().connection_made(transport)
        self._writer = ResponseWriter(transport, self.loop)
        self.transport = cast(asyncio.Transport, self._writer)
        self._over_connection_limit = len(self.connections) > self._settings.connections
        self._start_read_timeout()

    def on_message_begin(self) -> None:
        StrictHttpProtocol.on_message_begin(self)
        if self._over_connection_limit:
            self.scope["extensions"] = {OVER_CONNECTION_LIMIT: {}}

    def data_received(self, data: bytes) -> None:
        StrictHttpProtocol.data_received(self, data)
        if self._pending_bytes or self._in_body:
            if not self._responding():
                self._start_read_timeout()
        elif self.cycle is not None and self.cycle.response_complete:
            # The rest of a rejected request has arrived.
            self.start_keep_alive()

    def shutdown(self) -> None:
        self._stopping = True
        if self._responding():
            super().shutdown()
        else:
            # Half of the timeout, so that uvicorn does not report unfinished requests.
            self._set_deadline(min(_LAST_REQUEST_SECONDS, self._settings.shutdown_timeout_seconds / 2))

    def start_keep_alive(self) -> None:
        self._read_started = False
        if self._stopping:
            self.transport.close()
        elif self._pending_bytes and not self._in_body:
            self._start_read_timeout()
        else:
            self._set_deadline(self.timeout_keep_alive)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._stop_write_timer()

    def _start_read_timeout(self) -> None:
        if not self._read_started:
            self._read_started = True
            limit = self._settings.read_timeout_seconds
            self._set_deadline(_OVER_LIMIT_READ_SECONDS if self._over_connection_limit else limit)

    def _set_deadline(self, seconds: float) -> None:
        """Start a timer only if the current one would fire later (ADR 12)."""
        self._deadline = deadline = self.loop.time() + seconds
        timer = self._deadline_timer
        if timer is None or timer.when() > deadline:
            self._start_deadline_timer()

    def _start_deadline_timer(self) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._deadline_timer = self.loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        self._deadline_timer = None
        if self._responding():
            # The end of the response sets the next deadline.
            return
        if self._deadline <= self.loop.time():
            self.transport.close()
        else:
            self._start_deadline_timer()

    def _responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_write_timer(self) -> None:
        self._unsent_bytes = self._writer.unsent_bytes()
        self._write_timer = self.loop.call_later(self._settings.write_timeout_seconds, self._check_write_progress)

    def _check_write_progress(self) -> None:
        if self._writer.unsent_bytes() < self._unsent_bytes:
            self._start_write_timer()
        else:
            # Unlike close, abort does not wait for the client to read what is buffered.
            self.transport.abort()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
