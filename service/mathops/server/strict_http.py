"""uvicorn's HTTP/1.1 protocol with rules of RFC 9110 and 9112 that uvicorn and llhttp do not enforce."""

import asyncio
import re
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mathops.server.flow_control import PipelineFlowControl
from mathops.web.middleware.request_limits import MALFORMED_REQUEST

# Bounds the memory of one connection. The application rejects smaller heads already (414, 431).
MAX_HEAD_BYTES = 256 * 1024
# Bounds the work for one head: 256 KiB can hold 43,000 fields.
MAX_HEADER_FIELDS = 1000
# Bounds the number of pipelined requests that are parsed before the first one has its response.
_PARSED_BYTES = 4096
_NOTHING = memoryview(b"")
# Stands for a request that cannot be parsed. HTTP/1.0 closes the connection after the response.
_EMPTY_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
# A name is several runs around percent-encoded bytes, so that a long one matches in linear time and little memory.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=-]*(?:%[0-9A-Fa-f]{2}[\w.~!$&'()*+,;=-]*)*)(?::[0-9]*)?")
_CHECKED = frozenset((b"transfer-encoding", b"expect"))


def _parser(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    # Without this, a request behind one with Connection: close would be an error.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


class StrictHttpProtocol(HttpToolsProtocol):
    """Ignores upgrades and trailer fields, rejects ambiguous requests, and bounds what it reads ahead.

    Methods of each request call the base class by name, because super() takes 0.1 µs longer.
    """

    flow: PipelineFlowControl

    # Attributes beyond 30 in its dictionary would make access to all attributes slower.
    __slots__ = ("_has_host", "_in_body", "_pending_bytes", "_rejected", "_unparsed", "_valid_host")

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._in_body = False
        self._has_host = False
        # The Host of the previous request, which needs no second check.
        self._valid_host = b""
        # Since the last complete head or part of a body.
        self._pending_bytes = 0
        self._unparsed = _NOTHING
        self._rejected = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn's own
        super().connection_made(transport)
        self.flow = PipelineFlowControl(transport, self.pipeline, self.loop)

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            return
        if len(data) > _PARSED_BYTES:
            self._unparsed = memoryview(data)
            self._parse()
        else:
            self._feed(data)

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio reads the result
        """Whether the connection stays open for the response."""
        cycle = self.cycle
        complete = cycle is not None and not cycle.response_complete and not cycle.more_body
        # A large computation waits for this event: it ends, because most clients close both directions.
        if complete and not cycle.message_event._waiters:  # noqa: SLF001
            cycle.keep_alive = False
            return True
        # Unlike the transport itself, the writer sends what it has collected before it closes.
        self.transport.close()
        return False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            # A trailer field must not act as a header.
            return
        name = name.lower()
        value = value.rstrip(b" \t")
        if name == b"host":
            if self._has_host or (value != self._valid_host and not _HOST.fullmatch(value)):
                raise httptools.HttpParserError("the Host header is repeated or invalid")
            self._has_host, self._valid_host = True, value
        elif name in _CHECKED:
            self._check_header(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._has_host and self.parser.get_http_version() != "1.0":
            raise httptools.HttpParserError("the Host header is missing")
        if self.url[:1] != b"/":
            url = httptools.parse_url(self.url)
            if url.path is None:
                self.url = b"/?" + url.query if url.query else b"/"
        HttpToolsProtocol.on_headers_complete(self)
        self._pending_bytes = 0
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        self._pending_bytes = 0
        HttpToolsProtocol.on_body(self, body)
        if self.cycle.response_complete:
            self.flow.discard(len(body))

    def on_message_complete(self) -> None:
        self._in_body = self._has_host = False
        self._pending_bytes = 0
        HttpToolsProtocol.on_message_complete(self)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.start_keep_alive()
        if self._unparsed:
            self._parse()

    def start_keep_alive(self) -> None:
        """Start to wait for the next request; replaces uvicorn's keep-alive timer (ADR 12)."""
        raise NotImplementedError

    def _parse(self) -> None:
        """Parse until a pipelined request waits."""
        while self._unparsed and not self.pipeline and not self.transport.is_closing():
            part, self._unparsed = self._unparsed[:_PARSED_BYTES], self._unparsed[_PARSED_BYTES:]
            self._feed(part)

    def _feed(self, data: bytes | memoryview) -> None:
        self._pending_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            # The errors of on_header and on_headers_complete are contexts of the parser's error.
            self._reject(f"send valid HTTP/1.1: {error.__context__ or error}")
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        # The request is incomplete.
        if self._pending_bytes:
            if len(self.headers) > MAX_HEADER_FIELDS:
                self._reject(f"send at most {MAX_HEADER_FIELDS} header fields")
            elif self._pending_bytes > MAX_HEAD_BYTES:
                self._reject(f"send at most {MAX_HEAD_BYTES} bytes of header or trailer fields")

    def _reject(self, detail: str) -> None:
        """Mark the request for a 400 response of the application, and parse nothing more."""
        self._rejected = True
        self._unparsed = _NOTHING
        self._pending_bytes = 0
        if not self._in_body:
            self._has_host = False
            self.parser = _parser(self)
            self.parser.feed_data(_EMPTY_REQUEST)
            self.scope["method"] = self.scope["path"] = ""
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False
            self.cycle.message_event.set()
        self.scope["extensions"] = {MALFORMED_REQUEST: {"detail": detail}}

    def _ignore_upgrade(self, rest: bytes | memoryview) -> None:
        """Parse the head again without Upgrade, because llhttp skips the body behind an upgrade."""
        if self.scope["method"] == "CONNECT":
            self._reject("CONNECT is not supported")
            return
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        # After Connection: close, the old parser parses nothing more.
        self.parser = _parser(self)
        self._feed(b"\r\n".join([line, *fields, b"", b""]))
        if rest and not self.transport.is_closing():
            self._feed(rest)

    def _should_upgrade(self) -> bool:
        # Then uvicorn starts no request from a head with Upgrade.
        return True

    def _check_header(self, name: bytes, value: bytes) -> None:
        version = self.parser.get_http_version()
        if name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue" and version != "1.0"
        elif value.lower() != b"chunked" or version == "1.0" or name in dict(self.headers):
            raise httptools.HttpParserError("the only supported Transfer-Encoding is chunked")
