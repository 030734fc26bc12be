"""Raw HTTP requests, each with its one right outcome, and floods."""

import re
import socket
import time
from typing import BinaryIO, NamedTuple

# Rejected requests must not use up the quota of their address.
HIGH_QUOTA = {"MATHOPS_QUOTA_UNAUTHENTICATED": "1000000/second"}
_PAUSE_SECONDS = 0.05

HOST = b"Host: localhost\r\n"
USER = b'{"user":"alice"}'
LIVE = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET /livez HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def get(*headers: bytes, target: bytes = b"/livez", version: bytes = b"HTTP/1.1", host: bytes = HOST) -> bytes:
    return (
        b"GET " + target + b" " + version + b"\r\n" + host + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    )


def head(*headers: bytes, path: bytes = b"/login", version: bytes = b"HTTP/1.1") -> bytes:
    lines = [b"POST " + path + b" " + version, b"Host: localhost", b"Content-Type: application/json", *headers]
    return b"\r\n".join([*lines, b"", b""])


def login(*headers: bytes, body: bytes = USER, path: bytes = b"/login") -> bytes:
    return head(b"Content-Length: %d" % len(body), *headers, path=path) + body


def chunked(*trailers: bytes, path: bytes = b"/login", chunks: bytes = b"10\r\n" + USER + b"\r\n") -> bytes:
    return head(b"Transfer-Encoding: chunked", path=path) + chunks + b"\r\n".join([b"0", *trailers, b"", b""])


H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: eA==")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


class Case(NamedTuple):
    name: str
    packets: tuple[bytes, ...]
    statuses: list[int]
    # An open connection answers one more request.
    open: bool = True
    half_closed: bool = False
    # Requests behind a rejected one: the service ignores them, and a proxy may forward them.
    behind: int = 0

    def send(self, connection: socket.socket, token: bytes) -> None:
        for number, packet in enumerate(self.packets):
            if number and len(packet) > 1:
                time.sleep(_PAUSE_SECONDS)
            connection.sendall(packet.replace(b"TOKEN", token))
        if self.half_closed:
            connection.shutdown(socket.SHUT_WR)


def read_headers(stream: BinaryIO) -> bytes:
    """The headers of a response after its status line; skips the body."""
    headers = b"".join(iter(stream.readline, b"\r\n"))
    length = re.search(rb"(?im)^content-length: (\d+)", headers)
    stream.read(int(length[1]) if length else 0)
    return headers


def one(name: str, request: bytes, *statuses: int) -> Case:
    """The connection stays open unless the request is rejected with 400."""
    return Case(name, (request,), list(statuses), statuses[-1] != 400)


CASES = [
    # Upgrade is ignored
    one("upgrade to h2c", get(*H2C), 200),
    one("upgrade to h2c with a body", login(*H2C), 200),
    Case("upgrade with the body in a later packet", (head(b"Content-Length: 16", *H2C), USER), [200]),
    Case(
        "upgrade with a request as its body",
        (head(b"Content-Length: %d" % len(SMUGGLED), *H2C), SMUGGLED),
        [400],
    ),
    Case(
        "upgrade with a chunked body",
        (head(b"Transfer-Encoding: chunked", *H2C), b"10\r\n" + USER, b"\r\n0\r\n\r\n"),
        [200],
    ),
    one("upgrade to websocket", get(*WEBSOCKET), 200),
    one("upgrade to websocket with a body", login(*WEBSOCKET), 200),
    one("two upgrades pipelined", get(*H2C) + login(*H2C), 200, 200),
    one("many upgrades pipelined", get(*H2C) * 100, *[200] * 100),
    one("upgrade then a plain request", login(*H2C) + LIVE, 200, 200),
    Case("upgrade byte by byte", tuple(bytes([byte]) for byte in get(*H2C)), [200]),
    one("Upgrade without Connection", get(b"Upgrade: h2c"), 200),
    one("Connection: upgrade without Upgrade", get(b"Connection: upgrade"), 200),
    Case("upgrade and close", (get(b"Connection: close, upgrade", b"Upgrade: h2c"),), [200], open=False),
    one("upgrade without Host", get(*H2C, host=b""), 400),
    one("CONNECT", b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    one("CONNECT with a path", b"CONNECT /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # Trailer fields
    one("a trailer field", chunked(b"X-Checksum: 1"), 200),
    one("Authorization as a trailer field", chunked(b"Authorization: Bearer TOKEN", path=b"/fib"), 401),
    one("Content-Type as a trailer field", chunked(b"Content-Type: text/plain"), 200),
    one("Host as a trailer field", chunked(b"Host: a"), 200),
    one("Expect as a trailer field", chunked(b"Expect: 100-continue"), 200),
    one("upgrade as trailer fields", chunked(b"Connection: upgrade", b"Upgrade: h2c") + LIVE, 200, 200),
    Case("a trailer field in a later packet", (chunked()[:-2], b"X: 1\r\n\r\n"), [200]),
    one(
        "Authorization as a trailer field does not reach the next request",
        chunked(b"Authorization: Bearer TOKEN") + get(target=b"/history"),
        200,
        401,
    ),
    # Framing
    one("Content-Length", login(), 200),
    Case("a body in two packets", (login()[:-4], login()[-4:]), [200]),
    one("chunked", chunked(), 200),
    one("chunked in capitals", head(b"Transfer-Encoding: CHUNKED") + b"10\r\n" + USER + b"\r\n0\r\n\r\n", 200),
    one("chunk extensions", chunked(chunks=b"10;a=b\r\n" + USER + b"\r\n"), 200),
    one("both lengths", head(b"Content-Length: 16", b"Transfer-Encoding: chunked"), 400),
    one("both lengths in the other order", head(b"Transfer-Encoding: chunked", b"Content-Length: 16"), 400),
    one("two different lengths", head(b"Content-Length: 16", b"Content-Length: 17"), 400),
    one("a list of lengths", head(b"Content-Length: 16, 16"), 400),
    one("a negative length", head(b"Content-Length: -1"), 400),
    one("a signed length", head(b"Content-Length: +16"), 400),
    one("a hexadecimal length", head(b"Content-Length: 0x10"), 400),
    one("an empty length", head(b"Content-Length: "), 400),
    one("a huge length", head(b"Content-Length: 99999999999999999999"), 400),
    one("gzip, chunked", head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 400),
    one("gzip", head(b"Transfer-Encoding: gzip"), 400),
    one("identity", head(b"Transfer-Encoding: identity"), 400),
    one("chunked, identity", head(b"Transfer-Encoding: chunked, identity"), 400),
    one("chunked twice", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    one("an empty Transfer-Encoding", head(b"Transfer-Encoding:") + b"0\r\n\r\n", 400),
    one("xchunked", head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n", 400),
    one("vertical tab before chunked", head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n", 400),
    one("Transfer-Encoding in HTTP/1.0", head(b"Transfer-Encoding: chunked", version=b"HTTP/1.0") + b"0\r\n\r\n", 400),
    one("a space before the colon", get(b"Content-Length : 0"), 400),
    one("a folded header", get(b"X: a", b" b"), 400),
    one("a header without a colon", get(b"Accept"), 400),
    one("an empty header name", get(b": a"), 400),
    one("a null byte in a header", get(b"X: a\0b"), 400),
    one("bare line feeds", get().replace(b"\r\n", b"\n"), 400),
    one("an invalid chunk size", head(b"Transfer-Encoding: chunked") + b"0x10\r\n" + USER + b"\r\n", 400),
    one("a chunk longer than its size", head(b"Transfer-Encoding: chunked") + b"1\r\n" + USER + b"\r\n", 400),
    one("an invalid method", b"get /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    one("an invalid version", get(version=b"HTTP/1.x"), 400),
    one("HTTP/2.0 without Host", get(version=b"HTTP/2.0", host=b""), 400),
    one("HTTP/3.0", get(version=b"HTTP/3.0"), 400),
    one("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    one("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    one("empty lines before a request", b"\r\n\r\n" + LIVE, 200),
    one("white space around values", get(b"Accept:  application/json \t "), 200),
    one("white space after a token", get(b"Authorization: Bearer TOKEN \t", target=b"/history"), 200),
    one("white space after a length", head(b"Content-Length: 16  ") + USER, 200),
    # Host and target
    one("no Host", get(host=b""), 400),
    one("no Host in HTTP/1.0", get(host=b"", version=b"HTTP/1.0", target=b"/livez"), 200)._replace(open=False),
    one("two Hosts", get(host=HOST + HOST), 400),
    one("two different Hosts", get(host=HOST + b"Host: other\r\n"), 400),
    one("two Hosts in HTTP/1.0", get(host=HOST + HOST, version=b"HTTP/1.0"), 400),
    *[
        one("Host: " + host.decode("latin-1"), get(host=b"Host: " + host + b"\r\n"), status)
        for status, hosts in {
            200: [b"localhost:8000", b"127.0.0.1", b"[::1]:80", b"", b"a_b.example.org:", b"localhost \t"],
            400: [b"a b", b"a/b", b"user@a", b"a, b", b"a:b", b"[::1", b"a?b", b"a#b", b"\xff", b"http://a", b"a%zz"],
        }.items()
        for host in hosts
    ],
    one("the absolute form", get(target=b"http://localhost/livez"), 200),
    one("the absolute form without a path", get(target=b"http://example.org"), 307),
    one("the absolute form with a query and without a path", get(target=b"http://example.org?a=1"), 307),
    one("the authority form", get(target=b"localhost:80"), 400),
    # Expect
    one("Expect", head(b"Content-Length: 16", b"Expect: 100-continue") + USER, 100, 200),
    Case("Expect in capitals", (head(b"Content-Length: 16", b"Expect: 100-CONTINUE"), USER), [100, 200]),
    Case(
        "Expect in HTTP/1.0",
        (head(b"Content-Length: 16", b"Expect: 100-continue", version=b"HTTP/1.0"), USER),
        [200],
        open=False,
    ),
    one("Expect without a body", get(b"Expect: 100-continue"), 200),
    Case(
        "Expect of a rejected request",
        (head(b"Content-Length: 2", b"Expect: 100-continue", path=b"/fib"), b"{}"),
        [401],
    ),
    # Pipelining
    one("two requests", LIVE + LIVE, 200, 200),
    one("two requests with bodies", login() + chunked() + login(), 200, 200, 200),
    one("requests of several packets", LIVE * 300, *[200] * 300),
    one("large bodies", login(body=b" " * 50_000 + USER) * 3, *[200] * 3),
    Case("a body behind requests", (LIVE * 200 + login()[:-4], login()[-4:]), [200] * 201),
    Case("a request behind Connection: close", (LAST + SMUGGLED,), [200], open=False),
    Case("a request behind HTTP/1.0", (get(version=b"HTTP/1.0") + SMUGGLED,), [200], open=False),
    Case("an invalid request behind a valid one", (login() + get(host=b"") + LIVE,), [200, 400], open=False, behind=1),
    Case("an invalid request behind valid ones", (LIVE * 3 + b"\0",), [200] * 3 + [400], open=False),
    Case("an invalid request after a response", (LIVE, get(host=b"")), [200, 400], open=False),
    Case("an invalid body behind requests", (LIVE * 2 + chunked(chunks=b"x"),), [200, 200, 400], open=False),
    Case(
        "an invalid body of an answered request",
        (head(b"Transfer-Encoding: chunked", path=b"/fib"), b"xx"),
        [401],
        open=False,
    ),
    Case("the body of a rejected request", (head(b"Content-Length: 33", path=b"/fib"), SMUGGLED), [401]),
    # Half-closed connections
    Case("half-closed", (LIVE,), [200], open=False, half_closed=True),
    Case("half-closed with a body", (login(),), [200], open=False, half_closed=True),
    Case("half-closed with pipelined requests", (LIVE * 200 + login(),), [200] * 201, open=False, half_closed=True),
    Case("half-closed within a head", (LIVE[:-2],), [], open=False, half_closed=True),
    Case("half-closed within a body", (login()[:-1],), [], open=False, half_closed=True),
    Case("half-closed within the second head", (LIVE + LIVE[:-2],), [200], open=False, half_closed=True),
    Case("half-closed without a request", (b"",), [], open=False, half_closed=True),
]

# The first bytes of each connection, and the bytes that follow them without end.
FLOODS = {
    "trailer fields": (chunked()[:-2], b"a: b\r\n"),
    "one trailer field": (chunked()[:-2] + b"a: ", b"x"),
    "a chunk extension": (head(b"Transfer-Encoding: chunked") + b"1;a=", b"x"),
    "pipelined requests": (b"", LIVE),
    "pipelined requests with bodies": (b"", login(path=b"/fib")),
    "pipelined upgrades": (b"", get(*H2C)),
    "pipelined large responses": (b"", get(target=b"/openapi.json")),
    "an endless header behind a request": (LIVE + LIVE[:-2] + b"a: ", b"x"),
    "an endless header behind pipelined requests": (LIVE * 500 + LIVE[:-2] + b"a: ", b"x"),
    "endless headers behind a login": (login() + LIVE[:-2], b"a: b\r\n"),
    "the body of a rejected request": (head(b"Content-Length: 999999999", path=b"/fib"), b"xx"),
    "empty lines": (b"", b"\r\n"),
}
