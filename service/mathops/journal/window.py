"""The batches of a journal client between append and commit: pure bookkeeping, without processes.

A batch collects records (pending), is sent in one frame, and is kept until its reply, so that it can be sent again.
"""

import asyncio
import math
import time
from collections import deque

import msgspec

from mathops.errors import JournalUnavailable
from mathops.ports import RelayProgress

# One frame is committed while the next one waits in the socket. More frames would be smaller, and each one
# costs a wake-up at both ends.
MAX_UNACKNOWLEDGED = 2


class CommitReply(msgspec.Struct, array_like=True):
    """The outcome of the oldest `batches` sent: committed in `seconds`, or failed with `error`.

    Every reply carries the state of the outbox; a reply to no batch carries nothing else. Only one web worker
    receives `restarts` of the process and the counts of `relay`.
    """

    batches: int
    error: str | None
    seconds: float
    pending: int
    oldest: str | None
    restarts: int
    relay: RelayProgress


def unavailable(error: str) -> JournalUnavailable:
    return JournalUnavailable(f"the request could not be stored ({error}); send it again")


class Batch:
    """JSON lines of records, and the callers that wait for their commit.

    A batch without lines only checks that records could be committed.
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.waiters: list[asyncio.Future[float]] = []
        # Set by the client; a settled batch needs none.
        self.timer: asyncio.TimerHandle | None = None

    def frame(self) -> bytes:
        return b"\n".join((*self.lines, b""))

    def settle(self, error: str | None, seconds: float = 0) -> int:
        """Resolve all waiters, with the duration of the commit or with an error; return their number."""
        if self.timer:
            self.timer.cancel()
        waiters, self.waiters, self.timer = self.waiters, [], None
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(seconds)
            else:
                waiter.set_exception(unavailable(error))
        return len(waiters)


class CommitWindow:
    """The pending batch, the unacknowledged batches in the order of their sending, and a bound on the rows of both.

    `error` is the latest failure; a successful commit clears it. `settled_at` is the time of the last reply to records.
    """

    def __init__(self, max_rows: int) -> None:
        self.rows = 0
        self.error: str | None = None
        self.settled_at = -math.inf
        self.pending: Batch | None = None
        self.unacknowledged: deque[Batch] = deque()
        self._max_rows = max_rows

    @property
    def is_full(self) -> bool:
        return self.rows >= self._max_rows

    @property
    def is_stalled(self) -> bool:
        """Whether an outstanding reply will update `error`, so that no check is needed."""
        return self.error is not None and bool(self.unacknowledged)

    def add(self, line: bytes | None, waiter: asyncio.Future[float]) -> Batch:
        """Add a record's line, or only a waiter, to the pending batch."""
        batch = self.pending = self.pending or Batch()
        if line is not None:
            batch.lines.append(line)
            self.rows += 1
        batch.waiters.append(waiter)
        return batch

    def next_batch(self) -> Batch | None:
        """The batch to send now: None without a pending one, or while MAX_UNACKNOWLEDGED wait for their reply."""
        return self.take_pending() if len(self.unacknowledged) < MAX_UNACKNOWLEDGED else None

    def take_pending(self) -> Batch | None:
        """Take the pending batch, to be sent at once."""
        batch, self.pending = self.pending, None
        if batch is not None:
            self.unacknowledged.append(batch)
        return batch

    def acknowledge(self, reply: CommitReply) -> list[Batch]:
        """Remove the batches of a reply, to be settled by the caller."""
        self.error = reply.error
        batches = [self.unacknowledged.popleft() for _ in range(reply.batches)]
        rows = sum(len(batch.lines) for batch in batches)
        self.rows -= rows
        if rows:
            self.settled_at = time.monotonic()
        return batches
