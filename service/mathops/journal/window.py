"""The batches of a journal client between append and commit: pure bookkeeping, without processes.

A batch collects records (pending), is sent in one frame, and is kept until its reply, so that it can be sent again.
"""

import asyncio
from collections.abc import Iterable

from mathops.errors import JournalUnavailable
from mathops.journal.messages import CommitReply, CommitRequest

# One frame is committed while the next one waits in the socket. More frames would be smaller, and each one
# costs a wake-up at both ends.
MAX_UNACKNOWLEDGED = 2


def unavailable(error: str) -> JournalUnavailable:
    return JournalUnavailable(f"the request could not be stored ({error}); send it again")


class Batch:
    """JSON lines of records, and the callers that wait for their commit."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lines: list[bytes] = []
        self.waiters: list[asyncio.Future[float]] = []
        # Set by the client; a settled batch needs none.
        self.timer: asyncio.TimerHandle | None = None

    def frame(self) -> bytes:
        return CommitRequest(self.number, b"\n".join((*self.lines, b""))).encode()

    def settle(self, error: str | None, seconds: float = 0) -> int:
        """Resolve all waiters, with the duration of the commit or with an error; return their number."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(seconds)
            else:
                waiter.set_exception(unavailable(error))
        return len(waiters)


class CommitWindow:
    """The pending batch, the unacknowledged batches, and a bound on the rows of both.

    `error` is the latest failure; a successful commit clears it.
    """

    def __init__(self, max_rows: int) -> None:
        self.rows = 0
        self.error: str | None = None
        self._max_rows = max_rows
        self._number = 0
        self._pending: Batch | None = None
        self._unacknowledged: dict[int, Batch] = {}

    @property
    def is_full(self) -> bool:
        return self.rows >= self._max_rows

    @property
    def is_stalled(self) -> bool:
        """Whether the reply to a batch already sent will show if `error` persists."""
        return self.error is not None and bool(self._unacknowledged)

    @property
    def has_pending(self) -> bool:
        return self._pending is not None

    def add(self, line: bytes | None, waiter: asyncio.Future[float]) -> Batch:
        """Add a record's line, or only a waiter, to the pending batch."""
        if self._pending is None:
            self._number += 1
            self._pending = Batch(self._number)
        batch = self._pending
        if line is not None:
            batch.lines.append(line)
            self.rows += 1
        batch.waiters.append(waiter)
        return batch

    def next_batch(self) -> Batch | None:
        """The batch to send now: None without a pending one, or while MAX_UNACKNOWLEDGED wait for their reply."""
        return self.last_batch() if len(self._unacknowledged) < MAX_UNACKNOWLEDGED else None

    def last_batch(self) -> Batch | None:
        """The batch to send before closing, whatever waits for a reply."""
        batch, self._pending = self._pending, None
        if batch is not None:
            self._unacknowledged[batch.number] = batch
        return batch

    def unacknowledged(self) -> Iterable[Batch]:
        """The batches to send again to a new process, in order."""
        return self._unacknowledged.values()

    def acknowledge(self, reply: CommitReply) -> list[Batch]:
        """Remove the batches of a reply, to be settled by the caller."""
        self.error = reply.error
        batches = [batch for number in reply.numbers if (batch := self._unacknowledged.pop(number, None))]
        self.rows -= sum(len(batch.lines) for batch in batches)
        return batches
