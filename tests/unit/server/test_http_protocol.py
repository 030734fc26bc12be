import asyncio
from collections.abc import Iterable

import pytest

from mathops.server.http_protocol import ResponseWriter

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
LARGE = b"x" * 65536


class FakeTransport(asyncio.Transport):
    """Records the data of each system call."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.sent.append(data)

    def writelines(self, list_of_data: Iterable[object]) -> None:
        parts = list(list_of_data)
        assert all(isinstance(part, bytes) for part in parts)
        self.sent.append(b"".join(parts))  # type: ignore[arg-type]

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def writer(transport: FakeTransport) -> ResponseWriter:
    return ResponseWriter(transport)


@pytest.mark.parametrize("body", [b"body", LARGE, b""], ids=len)
def test_head_and_body_are_sent_in_one_call(transport: FakeTransport, writer: ResponseWriter, body: bytes) -> None:
    for _ in range(2):
        writer.write(HEAD)
        writer.write(body)
        writer.end_response()

    assert transport.sent == [HEAD + body] * 2


def test_further_parts_of_a_body_are_sent_at_once_and_in_order(
    transport: FakeTransport, writer: ResponseWriter
) -> None:
    for part in (HEAD, b"first", LARGE, b"last"):
        writer.write(part)

    assert transport.sent == [HEAD + b"first", LARGE, b"last"]


def test_a_head_without_a_body_is_sent_when_the_response_ends(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(HEAD)
    writer.end_response()

    assert transport.sent == [HEAD]


def test_an_interim_response_is_sent_at_once(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert transport.sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]

    writer.write(HEAD)
    writer.write(b"body")
    assert transport.sent[1:] == [HEAD + b"body"]


def test_a_held_head_is_sent_before_the_connection_closes(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(HEAD)
    writer.close()

    assert transport.sent == [HEAD]
    assert transport.closed


def test_a_held_head_is_dropped_if_the_connection_is_closed(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(HEAD)
    transport.closed = True
    writer.end_response()

    assert transport.sent == []
