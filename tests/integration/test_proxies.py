"""The raw requests of tests/support/raw_requests.py through nginx and HAProxy."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from tests.support import reverse_proxies
from tests.support.raw_requests import CASES, HIGH_QUOTA, LAST, Case, chunked, read_headers
from tests.support.reverse_proxies import Ports
from tests.support.server import Server
from tests.support.server import running as running_server

# In CI a missing proxy is an error; elsewhere the tests are skipped.
requires_proxies = pytest.mark.skipif(
    bool(reverse_proxies.MISSING) and not os.environ.get("CI"),
    reason=f"missing programs: {', '.join(reverse_proxies.MISSING)}: apt install nginx-light haproxy",
)
pytestmark = [pytest.mark.timeout(60), requires_proxies]
PATIENCE_SECONDS = 4 * reverse_proxies.WAIT_SECONDS
# Any proxy forwards these; others may be rejected.
FORWARDED = (
    "Content-Length",
    "chunked",
    "chunk extensions",
    "a trailer field",
    "Authorization as a trailer field",
    "upgrade to h2c",
    "upgrade to h2c with a body",
    "upgrade with the body in a later packet",
    "upgrade with a chunked body",
    "Expect",
    "two requests with bodies",
    "large bodies",
)
REQUEST = re.compile(
    r'^http_requests_total\{.*route="(?P<route>.*?)",status="(?P<status>\d+)"\} (?P<count>\S+)$', re.MULTILINE
)


class Reply(NamedTuple):
    """A final response; those of the service have a request id, and those of a proxy have none."""

    status: int
    own: bool


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), **HIGH_QUOTA) as server:
        yield server


@pytest.fixture(scope="module")
def ports(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with reverse_proxies.running(tmp_path_factory.mktemp("proxies"), server.port) as ports:
        yield ports


@pytest.fixture(scope="module")
def token(server: Server) -> bytes:
    return server.login()["Authorization"].removeprefix("Bearer ").encode()


@pytest.fixture(params=Ports._fields)
def port(request: pytest.FixtureRequest, ports: Ports) -> int:
    chosen: int = getattr(ports, request.param)
    return chosen


def replies(stream: BinaryIO, count: int | None = None) -> Iterator[Reply]:
    """The next `count` final responses, or all until the proxy closes the connection or sends no more."""
    while count != 0 and (line := stream.readline()).startswith(b"HTTP/"):
        status = int(line.split()[1])
        headers = read_headers(stream)
        if status >= 200:
            yield Reply(status, b"x-request-id:" in headers.lower())
            count = None if count is None else count - 1


def send(port: int, case: Case, token: bytes) -> list[Reply]:
    found: list[Reply] = []
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), connection.makefile("rb") as stream:
            case.send(connection, token)
            if case.open:
                found.extend(replies(stream, len(final(case))))
                connection.sendall(LAST)
            found.extend(replies(stream))
    return found


def final(case: Case) -> list[int]:
    return [status for status in case.statuses if status >= 200]


def seen_requests(server: Server) -> tuple[int, int]:
    """The number of requests in the table that the service has parsed, and of those with an unknown path."""
    counted = [match.groupdict() for match in REQUEST.finditer(server.client.get("/metrics").text)]
    table = [series for series in counted if series["route"] not in ("/metrics", "/startupz")]
    unknown = [series for series in table if series["route"] == "unmatched" and series["status"] != "400"]
    total, unmatched = (int(sum(float(series["count"]) for series in group)) for group in (table, unknown))
    return total, unmatched


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_raw_request_through_a_proxy(server: Server, port: int, token: bytes, case: Case) -> None:
    before = seen_requests(server)

    found = send(port, case, token)

    expected = [*final(case), 200] if case.open else [*final(case), *[200] * case.behind]
    own = [reply.status for reply in found if reply.own]
    assert len(own) <= len(expected)
    assert own == expected or case.name not in FORWARDED
    # A proxy may repair an invalid request, which then has another outcome.
    assert all(right in (status, 400) for status, right in zip(own, expected, strict=False))
    # A proxy that rejects a request closes the connection.
    assert all(reply.status >= 400 for reply in found[len(own) :])
    assert len(found) <= len(own) + 1

    # Connections between proxy and service are shared: a smuggled request would take the response of this one.
    name = str(uuid4())
    neighbour = httpx2.get(f"http://127.0.0.1:{port}/startupz", headers={"X-Request-ID": name})
    assert (neighbour.status_code, neighbour.headers["x-request-id"]) == (200, name)
    total, unknown = seen_requests(server)
    # An incomplete request is counted too, and has no response.
    assert total - before[0] <= len(expected) + case.half_closed
    assert unknown == before[1]


def test_an_oversized_body_is_rejected_with_413(port: int) -> None:
    url, headers, body = f"http://127.0.0.1:{port}/login", {"Content-Type": "application/json"}, b"x" * 5_000_000

    responses = [httpx2.post(url, headers=headers, content=body) for _ in range(10)]

    assert {response.status_code for response in responses} == {413}


def test_forwarded_addresses_in_trailer_fields_do_not_evade_a_limit(tmp_path: Path) -> None:
    limits = {"MATHOPS_QUOTA_UNAUTHENTICATED": "3/hour", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with running_server(tmp_path, **limits) as server, reverse_proxies.running(tmp_path, server.port) as ports:
        for number, port in enumerate(ports):
            found = []
            for _ in range(5):
                request = chunked(b"X-Forwarded-For: " + str(uuid4()).encode(), path=b"/fib")
                with socket.create_connection(("127.0.0.1", port), 5, (f"127.0.0.{number + 2}", 0)) as connection:
                    connection.sendall(request)
                    found += [reply.status for reply in replies(connection.makefile("rb"), 1)]
            assert found == [401, 401, 401, 429, 429]
