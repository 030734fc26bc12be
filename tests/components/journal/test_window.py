"""The pure part of the journal client: batches, their order, the bound on rows, and the outcome of replies."""

import asyncio
from collections.abc import Iterator

import pytest

from mathops.errors import JournalUnavailable
from mathops.journal.window import MAX_UNACKNOWLEDGED, Batch, CommitReply, CommitWindow
from mathops.ports import RelayProgress


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def window() -> CommitWindow:
    return CommitWindow(max_rows=10)


def reply(batches: int = 1, error: str | None = None) -> CommitReply:
    return CommitReply(batches, error, 0.25, 0, None, 0, RelayProgress())


def sent(window: CommitWindow, loop: asyncio.AbstractEventLoop, line: bytes = b"{}") -> Batch:
    window.add(line, loop.create_future())
    batch = window.next_batch()
    assert batch is not None
    return batch


def test_records_of_one_turn_share_a_batch(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    assert window.pending is None

    batches = [window.add(line, loop.create_future()) for line in (b"1", b"2", b"3")]

    assert batches[0] is batches[1] is batches[2] is window.next_batch()
    assert batches[0].frame() == b"1\n2\n3\n"
    assert window.pending is None
    assert window.next_batch() is None


def test_a_batch_without_records_has_no_line(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    batch = window.add(None, loop.create_future())

    assert batch.frame() == b""
    assert window.rows == 0


def test_a_full_window_keeps_later_records_in_one_pending_batch(
    window: CommitWindow, loop: asyncio.AbstractEventLoop
) -> None:
    for _ in range(MAX_UNACKNOWLEDGED):
        sent(window, loop)
    window.add(b"later", loop.create_future())
    assert window.next_batch() is None
    window.add(b"last", loop.create_future())

    window.acknowledge(reply())

    batch = window.next_batch()
    assert batch is not None
    assert batch.frame() == b"later\nlast\n"


def test_closing_sends_the_pending_batch_although_the_window_is_full(
    window: CommitWindow, loop: asyncio.AbstractEventLoop
) -> None:
    for _ in range(MAX_UNACKNOWLEDGED):
        sent(window, loop)
    pending = window.add(b"last", loop.create_future())

    assert window.take_pending() is pending
    assert window.take_pending() is None


def test_batches_without_a_reply_are_kept_in_order(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    first, second = sent(window, loop, b"1"), sent(window, loop, b"2")
    assert list(window.unacknowledged) == [first, second]

    assert window.acknowledge(reply()) == [first]

    assert list(window.unacknowledged) == [second]


def test_rows_are_bounded_until_their_reply(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(10):
        assert not window.is_full
        window.add(b"{}", loop.create_future())
    batch = window.next_batch()
    assert batch is not None
    assert window.is_full

    batch.settle("the commit takes too long")
    assert window.is_full

    window.acknowledge(reply(error="disk full"))
    assert window.rows == 0
    assert not window.is_full


def test_a_reply_to_several_batches_removes_all_of_them(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    first, second = sent(window, loop), sent(window, loop)

    assert window.acknowledge(reply(2)) == [first, second]

    assert not window.unacknowledged
    assert window.rows == 0


def test_the_latest_reply_sets_or_clears_the_error(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    sent(window, loop)
    window.acknowledge(reply(error="disk full"))
    assert window.error == "disk full"
    assert not window.is_stalled

    sent(window, loop)
    assert window.is_stalled

    window.acknowledge(reply())
    assert window.error is None
    assert not window.is_stalled


def test_a_commit_resolves_each_waiter_with_its_duration(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    waiters = [loop.create_future() for _ in range(2)]
    for waiter in waiters:
        batch = window.add(b"{}", waiter)
    waiters[0].cancel()

    assert batch.settle(None, 0.25) == 2

    assert waiters[0].cancelled()
    assert waiters[1].result() == 0.25


def test_an_error_fails_each_waiter_once_with_an_exception_of_its_own(
    window: CommitWindow, loop: asyncio.AbstractEventLoop
) -> None:
    waiters = [loop.create_future() for _ in range(2)]
    for waiter in waiters:
        batch = window.add(b"{}", waiter)

    assert batch.settle("disk full") == 2
    assert batch.settle(None) == 0

    errors = [waiter.exception() for waiter in waiters]
    assert errors[0] is not errors[1]
    assert all(isinstance(error, JournalUnavailable) and "disk full" in error.detail for error in errors)


def test_settling_cancels_the_timer(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    batch = window.add(b"{}", loop.create_future())
    timer = batch.timer = loop.call_later(60, batch.settle, "too late")

    batch.settle(None)

    assert timer.cancelled()
    assert batch.timer is None
