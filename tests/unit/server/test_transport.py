import asyncio

import pytest

from mathops.server.transport import CoalescingTransport, WriteBatcher

pytestmark = pytest.mark.anyio

LARGE = b"x" * 65536


class Line(asyncio.Transport):
    """A transport that keeps what each call to it would send."""

    def __init__(self) -> None:
        super().__init__({"peername": "somebody"})
        self.sent: list[bytes] = []
        self.closed = False

    def writelines(self, list_of_data: object) -> None:
        assert isinstance(list_of_data, list)
        self.sent.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def line() -> Line:
    return Line()


@pytest.fixture
async def transport(line: Line) -> CoalescingTransport:
    return CoalescingTransport(line, WriteBatcher())


async def test_what_one_turn_writes_is_sent_at_once(line: Line, transport: CoalescingTransport) -> None:
    transport.write(b"head ")
    transport.write(b"body")
    assert line.sent == []

    await asyncio.sleep(0)
    assert line.sent == [b"head body"]

    transport.write(b"next")
    await asyncio.sleep(0)
    assert line.sent == [b"head body", b"next"]


async def test_large_pieces_go_at_once_and_in_order(line: Line, transport: CoalescingTransport) -> None:
    transport.write(b"head ")
    transport.write(LARGE)
    assert line.sent == [b"head " + LARGE]

    transport.write(b"end")
    await asyncio.sleep(0)
    assert line.sent == [b"head " + LARGE, b"end"]


async def test_what_was_written_is_sent_before_the_close(line: Line, transport: CoalescingTransport) -> None:
    transport.write(b"last words")
    transport.close()

    assert line.sent == [b"last words"]
    assert line.closed


async def test_nothing_is_sent_to_who_has_left(line: Line, transport: CoalescingTransport) -> None:
    transport.write(b"too late")
    line.closed = True

    await asyncio.sleep(0)
    assert line.sent == []


async def test_a_transport_that_fails_keeps_no_other_waiting(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    batcher, broken, told = WriteBatcher(), Line(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    monkeypatch.setattr(broken, "writelines", lambda _: 1 / 0)
    CoalescingTransport(broken, batcher).write(b"lost")
    CoalescingTransport(line, batcher).write(b"sent")

    await asyncio.sleep(0)
    assert line.sent == [b"sent"]
    assert [type(error) for error in told] == [ZeroDivisionError]


async def test_the_rest_is_as_the_transport_has_it(transport: CoalescingTransport) -> None:
    assert transport.get_extra_info("peername") == "somebody"
