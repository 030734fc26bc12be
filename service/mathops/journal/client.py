"""The journal of a web worker: sends records to the journal process of the instance and waits for their commit.

The reasons for a process of its own: docs/adr/0003-journal-process.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import JournalUnavailable
from mathops.journal.database.engine import database_of, error_message
from mathops.journal.reader import Reader
from mathops.journal.window import Batch, CommitReply, CommitWindow, unavailable
from mathops.models import HistoryQuery, Record, encode_json
from mathops.ports import JournalPage
from mathops.processes.connection_queue import Connect
from mathops.processes.ipc import FrameConnection
from mathops.settings import Settings
from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

log = get_logger(__name__)

# Bounds the memory of rows not yet committed; beyond it the disk is too slow, and requests are rejected.
_MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024
_ROW_BYTES = 1000
# `check` writes at most this often, so that probes cost few commits.
_CHECK_SECONDS = 1.0
# Outcomes of commits so recent replace a check, which might succeed where they fail.
_EVIDENCE_SECONDS = 2.0
_START_SECONDS = 30.0
_RECONNECT_SECONDS = 0.5


class JournalClient:
    """Implements ports.Journal: commits records in order and each once, also when the journal process dies."""

    def __init__(self, settings: Settings, connect: Connect, tracing: AnyTracing = NO_TRACING) -> None:
        """`connect` returns a new connection to the journal process."""
        self._settings = settings
        self._connect = connect
        self._tracing = tracing
        self._reader = Reader(database_of(settings.journal_url))
        self._decoder = msgspec.msgpack.Decoder(CommitReply)
        # asyncio.get_running_loop() is a system call on Python 3.11, too slow for each request.
        self._loop = asyncio.get_running_loop()
        self._window = CommitWindow(_MAX_IN_FLIGHT_BYTES // (_ROW_BYTES + settings.record_digits))
        self._connection: FrameConnection
        self._started = asyncio.Event()
        self._relay_error: str | None = None
        self._checked_at = 0.0

    @asynccontextmanager
    async def running(self, close_seconds: float) -> AsyncIterator["JournalClient"]:
        """Connect and wait for the journal process; at the end wait `close_seconds` for the last commits."""
        with closing(self._reader):
            await self._open()
            connections = asyncio.create_task(self._stay_connected())
            try:
                # On a busy machine a start may take longer than a request may wait for its commit.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._started.wait(), _START_SECONDS)
                yield self
            finally:
                connections.cancel()
                # All requests have ended; a record that is left has no waiting caller.
                self._send(self._window.take_pending())
                await self._connection.finish(close_seconds)

    async def append(self, record: Record) -> None:
        if self._window.is_full:
            metrics.JOURNAL_FAILURES.labels("full").inc()
            raise unavailable("too many requests wait for the disk")
        try:
            line = encode_json(record)
        except Exception as error:  # whatever it is, no other record of the batch may suffer from it
            metrics.JOURNAL_FAILURES.labels("encoding").inc()
            log.error("record cannot be encoded", id=record.id, error=str(error))
            raise unavailable("the record cannot be encoded") from None
        seconds = await self._enqueue(line)
        self._tracing.add_attributes(**{"mathops.journal.transaction_seconds": seconds})

    async def history(self, user: str, query: HistoryQuery) -> JournalPage:
        try:
            return await asyncio.to_thread(self._reader.history, user, query)
        except SQLAlchemyError as error:
            log.error("journal cannot be read", error=error_message(error))
            raise JournalUnavailable("the records cannot be read; send the request again") from None

    async def check(self) -> str | None:
        """Returns the outcome of recent commits; without any it commits an empty batch, at most once a second."""
        now = time.monotonic()
        has_evidence = self._window.is_stalled or now - self._window.settled_at < _EVIDENCE_SECONDS
        if not has_evidence and now - self._checked_at >= _CHECK_SECONDS:
            self._checked_at = now
            # The outcome sets or clears the error.
            with suppress(JournalUnavailable):
                await self._enqueue(None)
        return self._window.error

    def publishing_state(self) -> str:
        """The error may name hosts; the journal process logs it."""
        return "unavailable" if self._relay_error else "ok"

    def _enqueue(self, line: bytes | None) -> asyncio.Future[float]:
        if self._window.pending is None:
            self._loop.call_soon(self._send_next)
        waiter: asyncio.Future[float] = self._loop.create_future()
        batch = self._window.add(line, waiter)
        if batch.timer is None:
            batch.timer = self._loop.call_later(self._settings.journal_timeout_seconds, self._expire, batch)
        return waiter

    async def _stay_connected(self) -> None:
        while True:
            await asyncio.wait((self._connection.ended,))
            try:
                await self._open()
            except OSError as error:
                log.error("journal process cannot be reached", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _open(self) -> None:
        self._connection = await FrameConnection(self._receive).open(self._connect())
        for batch in self._window.unacknowledged:
            self._connection.send(batch.frame())

    def _send_next(self) -> None:
        metrics.JOURNAL_IN_FLIGHT.set(self._window.rows)
        self._send(self._window.next_batch())

    def _send(self, batch: Batch | None) -> None:
        if batch:
            self._connection.send(batch.frame())

    def _expire(self, batch: Batch) -> None:
        # The batch stays in the window: the process may have committed it, and its reply is still to come.
        self._window.error = "the commit takes too long"
        metrics.JOURNAL_FAILURES.labels("timeout").inc(batch.settle(self._window.error))

    def _receive(self, frame: bytes) -> None:
        self._started.set()
        reply = self._decoder.decode(frame)
        if reply.batches:
            self._settle(reply)
            self._send_next()
        else:
            metrics.OUTBOX_PENDING.set(reply.pending)
            metrics.OUTBOX_OLDEST_AGE.set(_age(reply.oldest))
        metrics.JOURNAL_RESTARTS.inc(reply.restarts)
        metrics.EVENTS_PUBLISHED.inc(reply.relay.published)
        metrics.PUBLISH_FAILURES.inc(reply.relay.failed)
        metrics.DEAD_LETTERS.inc(reply.relay.dead)
        self._relay_error = reply.relay.error

    def _settle(self, reply: CommitReply) -> None:
        rows = self._window.rows
        waiters = sum([batch.settle(reply.error, reply.seconds) for batch in self._window.acknowledge(reply)])
        if reply.error is None:
            metrics.JOURNAL_ROWS.inc(rows - self._window.rows)
            metrics.JOURNAL_COMMIT_DURATION.observe(reply.seconds)
        else:
            metrics.JOURNAL_FAILURES.labels("commit_error").inc(waiters)


def _age(oldest: str | None) -> float:
    return max(0.0, time.time() - datetime.fromisoformat(oldest).timestamp()) if oldest else 0.0
