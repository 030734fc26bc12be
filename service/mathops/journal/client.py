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
from mathops.journal.database import fault_of, reader_engine
from mathops.journal.outbox import Progress
from mathops.journal.process import Acknowledgement, Batch
from mathops.journal.rows import Reader
from mathops.models import Record
from mathops.ports import Page
from mathops.processes.ipc import Child
from mathops.settings import Settings
from mathops.telemetry import metrics, tracing
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# What may be not yet acknowledged; beyond this the disk is too slow, and waiting and memory would only grow.
_MOST_OWED_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 1000
_RESTART_SECONDS = 0.5
# Frames on their way at once: one is committed while the next waits at the door. More would be smaller ones,
# and each costs a wake-up at both ends.
_WINDOW = 2
# How long an answer of `check` is kept, so that probes cost few commits.
_CHECK_SECONDS = 1.0
_START_SECONDS = 30.0
_CLOSE_SECONDS = 10.0
_RETRY = {"Retry-After": "1"}


class _Turn:
    """Records that go out in one frame, and those who wait for their commit."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.records: list[Record] = []
        self.waiters: list[asyncio.Future[float]] = []
        self.frame = b""
        self.timer: asyncio.TimerHandle | None = None


def _unavailable(fault: str) -> JournalUnavailable:
    return JournalUnavailable(f"the request could not be stored ({fault}); send it again", headers=_RETRY)


class ProcessJournal:
    """Batches of records go out in order and are kept until acknowledged; a lost process is replaced."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = Reader(reader_engine(settings.journal_url))
        self._encoder = msgspec.msgpack.Encoder()
        self._acknowledgements = msgspec.msgpack.Decoder(Acknowledgement)
        # asyncio.get_running_loop() is a system call on Python 3.11, too much for each request.
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._number = 0
        self._turn: _Turn | None = None
        self._sent: dict[int, _Turn] = {}
        self._owed = 0
        self._heard = asyncio.Event()
        self._most_owed = _MOST_OWED_BYTES // (_ROW_BYTES + settings.record_digits)
        self._fault: str | None = None
        self._relay_fault: str | None = None
        self._checked_at = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ProcessJournal"]:
        """Start the journal process; on the way out it commits what it has and ends."""
        await self._start()
        keeper = asyncio.create_task(self._keep())
        try:
            # On a busy machine the process may need longer to start than a request may wait for its commit.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), _START_SECONDS)
            yield self
        finally:
            keeper.cancel()
            # Requests have ended by now, so what is still here is a record that nobody waits for.
            if self._turn is not None:
                self._send(self._turn)
            await self._process.finish(_CLOSE_SECONDS)
            self._reader.close()

    async def append(self, record: Record) -> None:
        """Return once `record` is committed; raises JournalUnavailable."""
        if self._owed >= self._most_owed:
            metrics.JOURNAL_FAILURES.labels("full").inc()
            raise _unavailable("too many requests wait for the disk")
        with tracing.append_span(record.id):
            seconds = await self._join(record)
            tracing.elsewhere("journal commit", seconds)

    async def history(self, user: str, limit: int, before: int | None = None) -> Page:
        """Records of `user`, newest first; raises JournalUnavailable."""
        try:
            return await asyncio.to_thread(self._reader.history, user, limit, before)
        except SQLAlchemyError as error:
            log.error("journal cannot be read", fault=fault_of(error))
            raise JournalUnavailable("the records cannot be read just now; send it again", headers=_RETRY) from None

    async def check(self) -> str | None:
        """Why the journal cannot be written just now, or None: asks for a write at most once a second."""
        # While a fault holds up what was sent, the answer to that will tell.
        held_up = self._fault is not None and self._sent
        if not held_up and time.monotonic() - self._checked_at >= _CHECK_SECONDS:
            self._checked_at = time.monotonic()
            # The answer sets or ends the fault.
            with contextlib.suppress(JournalUnavailable):
                await self._join(None)
        return self._fault

    def _join(self, record: Record | None) -> asyncio.Future[float]:
        loop = self._loop
        turn = self._turn
        if turn is None:
            self._number += 1
            turn = self._turn = _Turn(self._number)
            loop.call_soon(self._send_turn)
        if turn.timer is None:
            turn.timer = loop.call_later(self._settings.journal_timeout_seconds, self._expire, turn)
        if record is not None:
            turn.records.append(record)
            self._owed += 1
        waiter: asyncio.Future[float] = loop.create_future()
        turn.waiters.append(waiter)
        return waiter

    def _send_turn(self) -> None:
        if self._turn is not None and len(self._sent) < _WINDOW:
            self._send(self._turn)

    def _send(self, turn: _Turn) -> None:
        self._turn = None
        turn.frame = self._encoder.encode(Batch(turn.number, turn.records))
        self._sent[turn.number] = turn
        metrics.JOURNAL_WAITING.set(self._owed)
        self._process.send(turn.frame)

    def _acknowledged(self, frame: bytes) -> None:
        self._heard.set()
        answer = self._acknowledgements.decode(frame)
        if answer.numbers:
            self._answered(answer)
            self._send_turn()
        else:
            metrics.OUTBOX_PENDING.set(answer.pending)
            metrics.OUTBOX_OLDEST.set(_age(answer.oldest))
        self._relayed(answer.relay)

    def _relayed(self, progress: Progress) -> None:
        metrics.EVENTS_PUBLISHED.inc(progress.published)
        metrics.EVENTS_FAILURES.inc(progress.failed)
        metrics.EVENTS_DEAD.inc(progress.dead)
        self._relay_fault = progress.fault

    def events(self) -> str:
        """How publishing goes: `ok`, or what is wrong."""
        return self._relay_fault or "ok"

    def _answered(self, answer: Acknowledgement) -> None:
        rows = 0
        for number in answer.numbers:
            if turn := self._sent.pop(number, None):
                rows += len(turn.records)
                # The database's own words may name its host or its folder, which callers need not know.
                self._settle(turn, answer.fault and "the journal cannot be written", answer.seconds)
        self._owed -= rows
        self._fault = answer.fault
        if answer.fault is None:
            metrics.JOURNAL_ROWS.inc(rows)
            metrics.JOURNAL_COMMIT_DURATION.observe(answer.seconds)
        metrics.JOURNAL_WAITING.set(self._owed)

    def _expire(self, turn: _Turn) -> None:
        # The batch is not given up: it may be committed already, and the process still owes its answer.
        self._fault = "the commit takes too long"
        self._settle(turn, self._fault, 0, "timeout")

    def _settle(self, turn: _Turn, fault: str | None, seconds: float, reason: str = "refused") -> None:
        if turn.timer is not None:
            turn.timer.cancel()
            turn.timer = None
        waiters, turn.waiters = turn.waiters, []
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
    def _process(self) -> Child:
        assert self._child is not None
        return self._child

    async def _start(self) -> None:
        child = await Child.start("mathops.journal.process", self._acknowledged)
        child.send(self._settings.model_dump_json().encode())
        for turn in self._sent.values():
            child.send(turn.frame)
        self._child = child

    async def _keep(self) -> None:
        """Put another process in the place of one that is lost; it is sent what is owed."""
        while True:
            await asyncio.wait((self._process.ended,))
            metrics.JOURNAL_RESTARTS.inc()
            log.error("journal process lost; starting another", waiting_rows=self._owed)
            # A process that dies at its start must not be started in a tight loop.
            await asyncio.sleep(_RESTART_SECONDS if self._fault else 0)
            self._fault = "the journal process was lost"
            try:
                await self._start()
            except OSError as error:
                log.error("journal process cannot be started", fault=str(error))


def _age(oldest: str | None) -> float:
    return max(0.0, time.time() - datetime.fromisoformat(oldest).timestamp()) if oldest else 0.0
