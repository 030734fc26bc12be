"""The relay: publishes the journal's rows in order, at least once, from a thread of the journal process.

docs/operations.md tells what is seen while the broker is away.
"""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from uuid_utils import uuid4

from mathops.models import SCHEMA_VERSION, Record, encode_json
from mathops.ports import Broker, Message, MessageRejected, Outbox, OutboxRow, RelayProgress
from mathops.telemetry import tracing
from mathops.telemetry.logs import get_logger

_BATCH = 500
# How often the journal is looked at while there is nothing to publish, and the lease while another has it.
_IDLE_SECONDS = 0.1
_STANDBY_SECONDS = 2.0
_MIN_BACKOFF, _MAX_BACKOFF = 0.5, 15.0

log = get_logger(__name__)

Connect = Callable[[], AbstractAsyncContextManager[Broker]]


class LeaseLost(Exception):
    """Another relay publishes now."""


class Relay:
    """Runs until `stop`; each connection has an event loop of its own, so that nothing of a broken one stays."""

    def __init__(self, outbox: Outbox, topic: str, connect: Connect) -> None:
        self._outbox = outbox
        self._topic = topic
        self._connect = connect
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._progress = RelayProgress()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Let go of the lease after the batch under way, waiting at most `seconds`."""
        self._stopping.set()
        self._thread.join(seconds)

    def progress(self) -> RelayProgress:
        """What was done since the last call."""
        with self._lock:
            told, self._progress = self._progress, RelayProgress(error=self._progress.error)
        return told

    def _count(self, published: int = 0, failed: int = 0, dead: int = 0, fault: str | None = None) -> None:
        with self._lock:
            progress = self._progress
            progress.published += published
            progress.failed += failed
            progress.dead += dead
            progress.error = fault

    def _run(self) -> None:
        backoff = _MIN_BACKOFF
        while not self._stopping.is_set():
            try:
                position = self._outbox.acquire_lease()
                if position is None:
                    self._count()
                    self._stopping.wait(_STANDBY_SECONDS)
                    continue
                asyncio.run(self._publish(position))
                backoff = _MIN_BACKOFF
            except LeaseLost:
                log.warning("another relay publishes now")
            except Exception as error:  # neither broker nor database may end the relay
                fault = str(error) or type(error).__name__
                log.warning("events cannot be published", fault=fault, again_in_seconds=backoff)
                self._count(failed=1, fault=fault)
                self._stopping.wait(backoff)
                backoff = min(2 * backoff, _MAX_BACKOFF)
        with contextlib.suppress(Exception):  # the lease ends by itself
            self._outbox.release()
        self._outbox.close()

    async def _publish(self, position: int) -> None:
        """Publish what lies beyond `position` until stopped or a message is refused; raises on any other fault."""
        async with self._connect() as broker:
            self._count()
            renewed = time.monotonic()
            while not self._stopping.is_set():
                if time.monotonic() - renewed >= self._outbox.lease_seconds / 3:
                    renewed = time.monotonic()
                    if self._outbox.acquire_lease() is None:
                        raise LeaseLost
                rows = self._outbox.fetch_after(position, _BATCH)
                if not rows:
                    await asyncio.sleep(_IDLE_SECONDS)
                    continue
                try:
                    await self._send(broker, rows)
                except MessageRejected:
                    break
                position = rows[-1].seq
            else:
                return
        await self._one_by_one(rows)

    async def _one_by_one(self, rows: list[OutboxRow]) -> None:
        """Find the refused ones and set them aside; after a refusal a producer is of no more use."""
        while rows:
            async with self._connect() as broker:
                while rows:
                    row = rows.pop(0)
                    try:
                        await self._send(broker, [row])
                    except MessageRejected as error:
                        log.error("an event was refused and set aside", id=row.record.id, reason=str(error))
                        self._advance([row], str(error))
                        break

    async def _send(self, broker: Broker, rows: Sequence[OutboxRow]) -> None:
        started = time.time_ns()
        await broker.publish([message(row.record) for row in rows])
        self._advance(rows)
        for row in rows:
            if row.record.trace_id:
                tracing.record_publish(self._topic, row.record.trace_id, row.record.id, started)

    def _advance(self, rows: Sequence[OutboxRow], refused: str | None = None) -> None:
        dead = [(row, refused) for row in rows] if refused is not None else []
        if not self._outbox.advance(rows[-1].seq, dead):
            raise LeaseLost
        self._count(published=len(rows) - len(dead), dead=len(dead))


def owner() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid4().hex[:12]}"


def message(record: Record) -> Message:
    """The event of a record; its key is the user, so that one user's events keep their order."""
    headers = [("content-type", b"application/json"), ("schema-version", str(SCHEMA_VERSION).encode())]
    if record.trace_id:
        headers.append(("traceparent", tracing.traceparent(record.trace_id, record.id).encode()))
    return Message(record.user.encode() if record.user else None, encode_json(record), headers)
