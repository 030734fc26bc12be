"""Raw requests, each with its one right outcome, and floods that must not take memory."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from tests.support.raw_requests import CASES, FLOODS, HIGH_QUOTA, LAST, Case, get, read_headers
from tests.support.server import Server, eventually

MIB = 2**20


def start_server(folder: Path, *, measured: bool) -> Iterator[Server]:
    server = Server(folder, HIGH_QUOTA)
    server.measured = measured
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # No other test covers most of server/strict_http.py.
    yield from start_server(tmp_path_factory.mktemp("server"), measured=True)


@pytest.fixture(scope="module")
def flooded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Coverage would double the processor time of a flood.
    yield from start_server(tmp_path_factory.mktemp("flooded"), measured=False)


@pytest.fixture(scope="module")
def token(server: Server) -> bytes:
    return server.login()["Authorization"].removeprefix("Bearer ").encode()


def connect(server: Server, received_bytes: int = MIB) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", server.port))
    return connection


def statuses(stream: BinaryIO, count: int | None = None) -> list[int]:
    """The statuses of `count` responses, or of all until the server closes the connection."""
    found: list[int] = []
    while len(found) != count and (line := stream.readline()):
        found.append(int(line.split()[1]))
        headers = read_headers(stream)
        if found[-1] == 400:
            assert b"content-type: application/problem+json\r\n" in headers
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_raw_request(server: Server, token: bytes, case: Case) -> None:
    with connect(server) as connection, connection.makefile("rb") as stream:
        case.send(connection, token)
        if case.open:
            assert statuses(stream, len(case.statuses)) == case.statuses
            connection.sendall(LAST)
            assert statuses(stream) == [200]
        else:
            assert statuses(stream) == case.statuses


def test_an_invalid_request_is_counted_and_gets_a_reason(server: Server) -> None:
    name = 'http_requests_total{method="other",route="unmatched",status="400"}'
    before = server.metric(name)
    with connect(server) as connection, connection.makefile("rb") as stream:
        connection.sendall(get(host=b""))
        problem = json.loads(stream.read().partition(b"\r\n\r\n")[2])

    assert problem["type"] == "/problems/malformed-request"
    assert problem["detail"] == "send valid HTTP/1.1: the Host header is missing"
    assert server.metric(name) == before + 1


def test_a_large_computation_ends_when_its_client_closes(server: Server, token: bytes) -> None:
    processes = server.processes("mathops.processes.pool_worker")
    for process in processes:
        process.suspend()
    try:
        with connect(server) as connection:
            connection.sendall(get(b"Authorization: Bearer " + token, b"Accept: text/plain", target=b"/fact?n=600000"))
            eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)
            connection.shutdown(socket.SHUT_WR)

            assert connection.recv(1) == b""
            eventually(lambda: server.metric("mathops_pool_busy_workers") == 0)
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def flood(connection: socket.socket, piece: bytes, size: int) -> None:
    """Send `piece` until `size` bytes are sent or the server reads no more."""
    connection.settimeout(0.5)
    with suppress(OSError):
        for part in repeat(piece * (65536 // len(piece)), size // 65536):
            connection.sendall(part)


@pytest.mark.parametrize(("start", "piece"), FLOODS.values(), ids=FLOODS)
def test_a_flood_takes_little_memory(flooded_server: Server, start: bytes, piece: bytes) -> None:
    [worker] = flooded_server.web_workers
    before = worker.memory_info().rss
    connections = [connect(flooded_server, received_bytes=4096) for _ in range(4)]

    for connection in connections:
        connection.sendall(start)
        flood(connection, piece, 16 * MIB)
        assert worker.memory_info().rss < before + 64 * MIB
    assert flooded_server.client.get("/livez").status_code == 200
    for connection in connections:
        connection.close()
