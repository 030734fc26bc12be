"""The relay: publishes journal rows to the broker in order, at least once, from a thread of the journal process."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from mathops.events.messages import first_rows, to_message
from mathops.ports import Broker, MessageRejected, Outbox, OutboxRow, RelayProgress
from mathops.telemetry.logs import get_logger
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

# A slow connection must send a batch within the limit of the broker's adapter.
_BATCH_SIZE, _BATCH_DIGITS = 500, 500_000
# Polling intervals: for rows of other replicas, and for the lease while another relay holds it.
_POLL_SECONDS = 0.1
_STANDBY_SECONDS = 2.0
# A pause after a batch that was not full: each batch costs a transaction and a round trip, whatever its size.
_GATHER_SECONDS = 0.05
# Without events the broker is checked this often.
_CHECK_SECONDS = 5.0
_MIN_BACKOFF, _MAX_BACKOFF = 0.5, 15.0

log = get_logger(__name__)

OpenBroker = Callable[[], AbstractAsyncContextManager[Broker]]


class LeaseLost(Exception):
    """Another relay holds the lease, or has moved the position."""


class Relay:
    """Publishes until `stop`; each connection has its own event loop, so that a broken one leaves nothing behind."""

    def __init__(self, outbox: Outbox, topic: str, open_broker: OpenBroker, tracing: AnyTracing = NO_TRACING) -> None:
        self._outbox = outbox
        self._topic = topic
        self._open_broker = open_broker
        self._tracing = tracing
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._progress = RelayProgress()
        self._backoff = _MIN_BACKOFF
        self._renewal_seconds = outbox.lease_seconds / 3
        self._renewed_at = 0.0
        self._used_at = 0.0
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        # Set while new rows would be noticed only by polling.
        self._wake_up: Callable[[], Any] | None = None

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look for rows now; called after a commit."""
        wake_up, self._wake_up = self._wake_up, None
        if wake_up:
            with contextlib.suppress(RuntimeError):  # the loop has ended with its connection
                wake_up()

    def stop(self, seconds: float) -> None:
        """Release the lease after the current batch; waits at most `seconds`."""
        self._stopping.set()
        self.wake()
        self._thread.join(seconds)

    def progress(self) -> RelayProgress:
        """Progress since the last call."""
        with self._lock:
            progress, self._progress = self._progress, RelayProgress(error=self._progress.error)
        return progress

    def _set_error(self, error: str | None) -> None:
        with self._lock:
            self._progress.error = error
            self._progress.failed += error is not None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._publish())
            except LeaseLost:
                log.warning("relay lost its lease")
            except Exception as error:  # no failure of broker or database may end the relay
                reason = str(error) or type(error).__name__
                log.warning("relay failed", error=reason, retry_in_seconds=self._backoff)
                self._set_error(reason)
                self._stopping.wait(self._backoff)
                self._backoff = min(2 * self._backoff, _MAX_BACKOFF)
        with contextlib.suppress(Exception):  # an unreleased lease expires
            self._outbox.release()
        self._outbox.close()

    async def _publish(self) -> None:
        """Publish rows until stopped or the broker rejects a message; raises on other errors."""
        async with self._open_broker() as broker:
            position = await self._stand_by(broker)
            rejected_batch = [] if position is None else await self._send_batches(broker, position)
        await self._send_one_by_one(rejected_batch)

    async def _stand_by(self, broker: Broker) -> int | None:
        """Wait for the lease and return the position; None when stopped.

        Every relay checks the broker meanwhile, so that every replica reports it.
        """
        check_at = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= check_at:
                await broker.check()
                check_at = time.monotonic() + _CHECK_SECONDS
            if (position := self._acquire_lease()) is not None:
                return position
            self._set_error(None)
            await asyncio.to_thread(self._stopping.wait, _STANDBY_SECONDS)
        return None

    def _acquire_lease(self) -> int | None:
        self._renewed_at = time.monotonic()
        return self._outbox.acquire_lease()

    def _renew_lease(self) -> None:
        if self._acquire_lease() is None:
            raise LeaseLost

    async def _send_batches(self, broker: Broker, position: int) -> list[OutboxRow]:
        """Send rows until stopped; returns the batch with a rejected message, if any."""
        committed = asyncio.Event()
        wake_up = partial(asyncio.get_running_loop().call_soon_threadsafe, committed.set)
        while not self._stopping.is_set():
            committed.clear()
            # Before the rows are read, so that no commit is missed.
            self._wake_up = wake_up
            if time.monotonic() - self._renewed_at >= self._renewal_seconds:
                self._renew_lease()
            rows = first_rows(self._outbox.fetch_after(position, _BATCH_SIZE), _BATCH_DIGITS)
            if not rows:
                self._set_error(None)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(committed.wait(), _POLL_SECONDS)
                if time.monotonic() - self._used_at >= _CHECK_SECONDS:
                    await self._hold_lease(broker.check())
                continue
            try:
                await self._send(broker, rows)
            except MessageRejected:
                return rows
            position = rows[-1].seq
            if len(rows) < _BATCH_SIZE:
                await asyncio.sleep(_GATHER_SECONDS)
        return []

    async def _send_one_by_one(self, rows: list[OutboxRow]) -> None:
        """Store rejected events as dead letters; each rejection needs a new connection."""
        while rows:
            async with self._open_broker() as broker:
                self._renew_lease()
                while rows:
                    row = rows.pop(0)
                    try:
                        await self._send(broker, [row])
                    except MessageRejected as error:
                        log.error("event rejected by the broker", id=row.record.id, error=str(error))
                        self._advance(row.seq, dead_letters=[(row, str(error))])
                        break

    async def _send(self, broker: Broker, rows: Sequence[OutboxRow]) -> None:
        records = [row.record for row in rows]
        contexts = [(record.id, record.traceparent) for record in records]
        with self._tracing.publish_spans(self._topic, contexts) as traceparents:
            await self._hold_lease(broker.publish(list(map(to_message, records, traceparents))))
            self._advance(rows[-1].seq, published=len(rows))

    async def _hold_lease(self, sending: Coroutine[Any, Any, None]) -> None:
        """Renew the lease while the broker works; raises LeaseLost."""
        task = asyncio.create_task(sending)
        try:
            while not (await asyncio.wait((task,), timeout=self._renewal_seconds))[0]:
                self._renew_lease()
            await task
            self._used_at = time.monotonic()
        finally:
            task.cancel()

    def _advance(self, position: int, published: int = 0, dead_letters: Sequence[tuple[OutboxRow, str]] = ()) -> None:
        if not self._outbox.advance(position, dead_letters):
            raise LeaseLost
        self._backoff = _MIN_BACKOFF
        with self._lock:
            # Only a success clears the error: brokers with too few replicas pass every check.
            self._progress.error = None
            self._progress.published += published
            self._progress.dead += len(dead_letters)
