"""Connections that send or read too slowly, or endlessly, are closed; others stay open."""

import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from itertools import chain, repeat

import pytest

from mathops.server.strict_http import MAX_HEAD_BYTES, MAX_HEADER_FIELDS
from tests.support.server import Server, eventually, running

SECONDS = 1.0
HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = HEAD.replace(b"/livez", b"/openapi.json")


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = {
        "MATHOPS_READ_TIMEOUT_SECONDS": str(SECONDS),
        "MATHOPS_WRITE_TIMEOUT_SECONDS": str(SECONDS),
        "MATHOPS_COMPUTE_DEADLINE_SECONDS": str(2 * SECONDS),
        "MATHOPS_TEXT_DIGITS": "100000000",
    }
    with running(tmp_path_factory.mktemp("server"), **variables) as server:
        yield server


@pytest.fixture
def connection(impatient: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=10) as opened:
        yield opened


def closed(connection: socket.socket) -> bool:
    """Whether the server has closed the connection; discards the data it sent before."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def sent_until_closed(connection: socket.socket, pieces: Iterator[bytes]) -> float:
    """Send pieces until the server closes the connection; the seconds this takes."""
    started = time.monotonic()

    def sent_and_closed() -> bool:
        try:
            connection.sendall(next(pieces))
        except ConnectionError:
            return True
        return closed(connection)

    eventually(sent_and_closed)
    return time.monotonic() - started


def held(server: Server, connection: socket.socket) -> bool:
    """Whether the server has not closed its side of the connection."""
    [worker] = server.web_workers
    port = connection.getsockname()[1]
    return port in [peer.raddr.port for peer in worker.net_connections() if peer.raddr]


def answered(connection: socket.socket) -> int:
    """Read a whole response and return its status."""
    connection.settimeout(10)
    with HTTPResponse(connection) as answer:
        answer.begin()
        answer.read()
        return answer.status


def test_a_silent_connection_is_closed(connection: socket.socket) -> None:
    eventually(lambda: closed(connection))


def test_a_slow_head_is_cut_off(connection: socket.socket) -> None:
    endless = chain((HEAD[:-2],), repeat(b"x: y\r\n"))

    assert sent_until_closed(connection, endless) >= SECONDS * 0.9


def test_a_slow_head_of_a_second_request_is_cut_off(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    assert answered(connection) == 200

    assert sent_until_closed(connection, chain((HEAD[:-2],), repeat(b"x: y\r\n"))) >= SECONDS * 0.9


def test_a_slow_body_of_a_rejected_request_is_cut_off(connection: socket.socket) -> None:
    connection.sendall(b"POST /pow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
    assert answered(connection) == 401

    assert sent_until_closed(connection, repeat(b" ")) >= SECONDS * 0.9


def test_an_endless_head_is_cut_off_at_any_speed(connection: socket.socket) -> None:
    connection.sendall(HEAD[:-2].ljust(MAX_HEAD_BYTES + 1, b"x"))

    assert answered(connection) == 400
    eventually(lambda: closed(connection))


def test_a_head_with_too_many_fields_is_rejected(connection: socket.socket) -> None:
    connection.sendall(HEAD[:-2] + b"a: b\r\n" * (MAX_HEADER_FIELDS + 1))

    assert answered(connection) == 400
    eventually(lambda: closed(connection))


def test_a_client_that_sends_all_of_an_oversized_body_first_gets_413_and_keeps_the_connection(
    connection: socket.socket,
) -> None:
    body = b"x" * 5_000_000
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % len(body) + body)
    assert answered(connection) == 413

    connection.sendall(HEAD)
    assert answered(connection) == 200


def test_an_unread_response_is_cut_off(impatient: Server, connection: socket.socket) -> None:
    connection.sendall(LARGE * 200)
    eventually(lambda: held(impatient, connection))

    eventually(lambda: not held(impatient, connection))


def test_a_steady_slow_reader_is_not_cut_off(impatient: Server) -> None:
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(10)
        reader.connect(("127.0.0.1", impatient.port))
        reader.sendall(LARGE * 200)
        end = time.monotonic() + 4 * SECONDS
        while time.monotonic() < end:
            assert reader.recv(4096)
            time.sleep(0.1)

        assert held(impatient, reader)
        eventually(lambda: not held(impatient, reader))


def test_a_late_body_of_a_rejected_request_keeps_the_connection(connection: socket.socket) -> None:
    connection.sendall(b"POST /pow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
    assert answered(connection) == 401
    connection.sendall(b"{  ")
    connection.sendall(b"}")
    time.sleep(2 * SECONDS)

    connection.sendall(HEAD)
    assert answered(connection) == 200


def test_a_slow_head_behind_a_late_body_is_cut_off(connection: socket.socket) -> None:
    connection.sendall(b"POST /pow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
    assert answered(connection) == 401
    connection.sendall(b"{  }")

    assert sent_until_closed(connection, chain((HEAD[:-2],), repeat(b"x: y\r\n"))) >= SECONDS * 0.9


def test_an_idle_connection_stays_open_between_requests(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    assert answered(connection) == 200
    end = time.monotonic() + 2 * SECONDS
    eventually(lambda: time.monotonic() > end)

    connection.sendall(HEAD)
    assert answered(connection) == 200


def test_a_computation_may_take_longer_than_the_read_timeout(impatient: Server) -> None:
    fields = {**impatient.login(), "Accept": "text/plain"}

    answer = impatient.client.get("/fact?n=10000000", headers=fields)

    assert answer.status_code == 504
    assert answer.elapsed.total_seconds() > SECONDS
