"""The pure part of the journal client: batches, their order, the bound on rows, and the outcome of replies."""

import asyncio
from collections.abc import Iterator

import pytest

from mathops.errors import JournalUnavailable
from mathops.journal.messages import CommitReply, CommitRequest
from mathops.journal.window import MAX_UNACKNOWLEDGED, Batch, CommitWindow
from mathops.ports import RelayProgress


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def window() -> CommitWindow:
    return CommitWindow(max_rows=10)


def reply(*numbers: int, error: str | None = None) -> CommitReply:
    return CommitReply(list(numbers), error, 0.25, 0, None, RelayProgress())


def sent(window: CommitWindow, loop: asyncio.AbstractEventLoop, line: bytes = b"{}") -> Batch:
    window.add(line, loop.create_future())
    batch = window.next_batch()
    assert batch is not None
    return batch


def test_records_of_one_turn_share_a_batch(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    assert not window.has_pending

    batches = [window.add(line, loop.create_future()) for line in (b"1", b"2", b"3")]

    assert batches[0] is batches[1] is batches[2] is window.next_batch()
    assert CommitRequest.decode(batches[0].frame()) == (1, b"1\n2\n3\n")
    assert not window.has_pending
    assert window.next_batch() is None


def test_a_batch_without_records_has_no_line(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    batch = window.add(None, loop.create_future())

    assert CommitRequest.decode(batch.frame()) == (1, b"")
    assert window.rows == 0


def test_a_full_window_keeps_later_records_in_one_pending_batch(
    window: CommitWindow, loop: asyncio.AbstractEventLoop
) -> None:
    first, *_ = [sent(window, loop) for _ in range(MAX_UNACKNOWLEDGED)]
    window.add(b"later", loop.create_future())
    assert window.next_batch() is None
    window.add(b"last", loop.create_future())

    window.acknowledge(reply(first.number))

    batch = window.next_batch()
    assert batch is not None
    assert CommitRequest.decode(batch.frame()) == (MAX_UNACKNOWLEDGED + 1, b"later\nlast\n")


def test_closing_sends_the_pending_batch_although_the_window_is_full(
    window: CommitWindow, loop: asyncio.AbstractEventLoop
) -> None:
    for _ in range(MAX_UNACKNOWLEDGED):
        sent(window, loop)
    pending = window.add(b"last", loop.create_future())

    assert window.last_batch() is pending
    assert window.last_batch() is None


def test_batches_without_a_reply_are_kept_in_order(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    first, second = sent(window, loop, b"1"), sent(window, loop, b"2")
    assert list(window.unacknowledged()) == [first, second]

    assert window.acknowledge(reply(first.number)) == [first]

    assert list(window.unacknowledged()) == [second]


def test_rows_are_bounded_until_their_reply(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(10):
        assert not window.is_full
        window.add(b"{}", loop.create_future())
    batch = window.next_batch()
    assert batch is not None
    assert window.is_full

    batch.settle("the commit takes too long")
    assert window.is_full

    window.acknowledge(reply(batch.number, error="disk full"))
    assert window.rows == 0
    assert not window.is_full


def test_a_second_reply_to_a_batch_changes_nothing(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    batch = sent(window, loop)

    assert window.acknowledge(reply(batch.number)) == [batch]

    assert window.acknowledge(reply(batch.number)) == []
    assert window.rows == 0


def test_the_latest_reply_sets_or_clears_the_error(window: CommitWindow, loop: asyncio.AbstractEventLoop) -> None:
    window.acknowledge(reply(sent(window, loop).number, error="disk full"))
    assert window.error == "disk full"
    assert not window.is_stalled

    batch = sent(window, loop)
    assert window.is_stalled

    window.acknowledge(reply(batch.number))
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
