import asyncio
from collections.abc import Iterable

import pytest

from mathops.server.http_protocol import ResponseWriter

pytestmark = pytest.mark.anyio

LARGE = b"x" * 65536


class FakeTransport(asyncio.Transport):
    """Records the data of each system call."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = self.aborted = False

    def writelines(self, list_of_data: Iterable[object]) -> None:
        parts = [part for part in list_of_data if isinstance(part, bytes)]
        self.sent.append(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
async def writer(transport: FakeTransport) -> ResponseWriter:
    return ResponseWriter(transport, asyncio.get_running_loop())


async def test_writes_of_one_turn_are_sent_in_one_call(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(b"head ")
    writer.write(b"body")
    assert transport.sent == []

    await asyncio.sleep(0)
    assert transport.sent == [b"head body"]

    writer.write(b"next")
    await asyncio.sleep(0)
    assert transport.sent == [b"head body", b"next"]


async def test_large_writes_are_sent_at_once_and_in_order(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.write(b"head ")
    writer.write(LARGE)
    assert transport.sent == [b"head " + LARGE]

    writer.write(b"end")
    await asyncio.sleep(0)
    assert transport.sent == [b"head " + LARGE, b"end"]


async def test_collected_data_is_sent_before_the_connection_closes(
    transport: FakeTransport, writer: ResponseWriter
) -> None:
    writer.write(b"last")
    writer.close()

    assert transport.sent == [b"last"]
    assert transport.closed


async def test_collected_data_is_dropped_if_the_connection_is_closed(
    transport: FakeTransport, writer: ResponseWriter
) -> None:
    writer.write(b"too late")
    transport.closed = True

    await asyncio.sleep(0)
    assert transport.sent == []


async def test_an_error_of_one_connection_does_not_affect_others(
    transport: FakeTransport, writer: ResponseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    broken, errors = FakeTransport(), []
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    monkeypatch.setattr(broken, "writelines", lambda _: 1 / 0)
    ResponseWriter(broken, loop).write(b"lost")
    writer.write(b"sent")

    await asyncio.sleep(0)
    assert transport.sent == [b"sent"]
    assert [type(error) for error in errors] == [ZeroDivisionError]


async def test_abort_reaches_the_transport(transport: FakeTransport, writer: ResponseWriter) -> None:
    writer.abort()

    assert transport.aborted
