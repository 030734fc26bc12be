"""The journal of a web worker: hands records to the journal process and waits for their commit.

docs/adr/0003-journal-process.md tells why the writing is done elsewhere.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import JournalUnavailable
from mathops.journal.database import Database, error_message
from mathops.journal.messages import CommitReply, CommitRequest
from mathops.journal.rows import Reader
from mathops.models import Record
from mathops.ports import JournalPage, RelayProgress
from mathops.processes.ipc import ChildProcess
from mathops.settings import Settings
from mathops.telemetry import metrics, tracing
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# What may be not yet acknowledged; beyond this the disk is too slow, and waiting and memory would only grow.
_MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 1000
_RESTART_SECONDS = 0.5
# Frames on their way at once: one is committed while the next waits at the door. More would be smaller ones,
# and each costs a wake-up at both ends.
_WINDOW = 2
# How long an answer of `check` is kept, so that probes cost few commits.
_CHECK_SECONDS = 1.0
_START_SECONDS = 30.0
_CLOSE_SECONDS = 10.0


class PendingBatch:
    """Records that go out in one frame, and those who wait for their commit."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.records: list[Record] = []
        self.waiters: list[asyncio.Future[float]] = []
        self.frame = b""
        self.timer: asyncio.TimerHandle | None = None


def _unavailable(fault: str) -> JournalUnavailable:
    return JournalUnavailable(f"the request could not be stored ({fault}); send it again")


class JournalClient:
    """Batches of records go out in order and are kept until acknowledged; a lost process is replaced."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = Reader(Database.from_url(settings.journal_url).reader())
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(CommitReply)
        # asyncio.get_running_loop() is a system call on Python 3.11, too much for each request.
        self._loop = asyncio.get_running_loop()
        self._child: ChildProcess | None = None
        self._number = 0
        self._pending: PendingBatch | None = None
        self._sent: dict[int, PendingBatch] = {}
        self._in_flight = 0
        self._started = asyncio.Event()
        self._max_in_flight = _MAX_IN_FLIGHT_BYTES // (_ROW_BYTES + settings.record_digits)
        self._fault: str | None = None
        self._relay_fault: str | None = None
        self._checked_at = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["JournalClient"]:
        """Start the journal process; on the way out it commits what it has and ends."""
        await self._start()
        keeper = asyncio.create_task(self._supervise())
        try:
            # On a busy machine the process may need longer to start than a request may wait for its commit.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._started.wait(), _START_SECONDS)
            yield self
        finally:
            keeper.cancel()
            # Requests have ended by now, so what is still here is a record that nobody waits for.
            if self._pending is not None:
                self._send(self._pending)
            await self._process.finish(_CLOSE_SECONDS)
            self._reader.close()

    async def append(self, record: Record) -> None:
        """Return once `record` is committed; raises JournalUnavailable."""
        if self._in_flight >= self._max_in_flight:
            metrics.JOURNAL_FAILURES.labels("full").inc()
            raise _unavailable("too many requests wait for the disk")
        with tracing.append_span(record.id):
            seconds = await self._enqueue(record)
            tracing.add_child_span("journal commit", seconds)

    async def history(self, user: str, limit: int, before: int | None = None) -> JournalPage:
        """Records of `user`, newest first; raises JournalUnavailable."""
        try:
            return await asyncio.to_thread(self._reader.history, user, limit, before)
        except SQLAlchemyError as error:
            log.error("journal cannot be read", fault=error_message(error))
            raise JournalUnavailable("the records cannot be read just now; send it again") from None

    async def check(self) -> str | None:
        """Why the journal cannot be written just now, or None: asks for a write at most once a second."""
        # While a fault holds up what was sent, the answer to that will tell.
        held_up = self._fault is not None and self._sent
        if not held_up and time.monotonic() - self._checked_at >= _CHECK_SECONDS:
            self._checked_at = time.monotonic()
            # The answer sets or ends the fault.
            with contextlib.suppress(JournalUnavailable):
                await self._enqueue(None)
        return self._fault

    def _enqueue(self, record: Record | None) -> asyncio.Future[float]:
        loop = self._loop
        batch = self._pending
        if batch is None:
            self._number += 1
            batch = self._pending = PendingBatch(self._number)
            loop.call_soon(self._send_pending)
        if batch.timer is None:
            batch.timer = loop.call_later(self._settings.journal_timeout_seconds, self._expire, batch)
        if record is not None:
            batch.records.append(record)
            self._in_flight += 1
        waiter: asyncio.Future[float] = loop.create_future()
        batch.waiters.append(waiter)
        return waiter

    def _send_pending(self) -> None:
        if self._pending is not None and len(self._sent) < _WINDOW:
            self._send(self._pending)

    def _send(self, batch: PendingBatch) -> None:
        self._pending = None
        batch.frame = self._encoder.encode(CommitRequest(batch.number, batch.records))
        self._sent[batch.number] = batch
        metrics.JOURNAL_IN_FLIGHT.set(self._in_flight)
        self._process.send(batch.frame)

    def _receive(self, frame: bytes) -> None:
        self._started.set()
        answer = self._decoder.decode(frame)
        if answer.numbers:
            self._record_outcome(answer)
            self._send_pending()
        else:
            metrics.OUTBOX_PENDING.set(answer.pending)
            metrics.OUTBOX_OLDEST_AGE.set(_age(answer.oldest))
        self._record_progress(answer.relay)

    def _record_progress(self, progress: RelayProgress) -> None:
        metrics.EVENTS_PUBLISHED.inc(progress.published)
        metrics.PUBLISH_FAILURES.inc(progress.failed)
        metrics.DEAD_LETTERS.inc(progress.dead)
        self._relay_fault = progress.error

    def events(self) -> str:
        """How publishing goes: `ok`, or what is wrong."""
        return self._relay_fault or "ok"

    def _record_outcome(self, answer: CommitReply) -> None:
        rows = 0
        for number in answer.numbers:
            if batch := self._sent.pop(number, None):
                rows += len(batch.records)
                # The database's own words may name its host or its folder, which callers need not know.
                self._settle(batch, answer.error and "the journal cannot be written", answer.seconds)
        self._in_flight -= rows
        self._fault = answer.error
        if answer.error is None:
            metrics.JOURNAL_ROWS.inc(rows)
            metrics.JOURNAL_COMMIT_DURATION.observe(answer.seconds)
        metrics.JOURNAL_IN_FLIGHT.set(self._in_flight)

    def _expire(self, batch: PendingBatch) -> None:
        # The batch is not given up: it may be committed already, and the process still owes its answer.
        self._fault = "the commit takes too long"
        self._settle(batch, self._fault, 0, "timeout")

    def _settle(self, batch: PendingBatch, fault: str | None, seconds: float, reason: str = "refused") -> None:
        if batch.timer is not None:
            batch.timer.cancel()
            batch.timer = None
        waiters, batch.waiters = batch.waiters, []
        if fault is not None and waiters:
            metrics.JOURNAL_FAILURES.labels(reason).inc(len(waiters))
        for waiter in waiters:
            if waiter.done():
                continue
            if fault is None:
                waiter.set_result(seconds)
            else:
                waiter.set_exception(_unavailable(fault))

    @property
    def _process(self) -> ChildProcess:
        assert self._child is not None
        return self._child

    async def _start(self) -> None:
        child = await ChildProcess.start("mathops.journal.process", self._receive)
        child.send(self._settings.json_with_secrets())
        for batch in self._sent.values():
            child.send(batch.frame)
        self._child = child

    async def _supervise(self) -> None:
        """Put another process in the place of one that is lost; it is sent what is owed."""
        while True:
            await asyncio.wait((self._process.ended,))
            metrics.JOURNAL_RESTARTS.inc()
            log.error("journal process lost; starting another", waiting_rows=self._in_flight)
            # A process that dies at its start must not be started in a tight loop.
            await asyncio.sleep(_RESTART_SECONDS if self._fault else 0)
            self._fault = "the journal process was lost"
            try:
                await self._start()
            except OSError as error:
                log.error("journal process cannot be started", fault=str(error))


def _age(oldest: str | None) -> float:
    return max(0.0, time.time() - datetime.fromisoformat(oldest).timestamp()) if oldest else 0.0
