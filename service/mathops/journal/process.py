"""The journal process: commits what its web worker sends, many requests in one transaction.

Frames in: (number, records). Frames out: an CommitReply.
"""

import sys
import time
from contextlib import AbstractAsyncContextManager

import msgspec

from mathops.events.relay import Relay, owner
from mathops.journal.checkpoints import Checkpoints
from mathops.journal.database import error_message
from mathops.journal.outbox import OutboxCursor
from mathops.journal.request_log import RequestLog
from mathops.journal.rows import OutboxStats, Writer
from mathops.models import Record
from mathops.ports import Broker, RelayProgress
from mathops.processes.ipc import ParentConnection
from mathops.settings import Settings
from mathops.telemetry import logs, tracing

# Frames of one transaction; beyond this a commit would keep its first request waiting.
_FRAMES_AT_ONCE = 256
_HOUSEKEEPING_SECONDS = 1.0
# Between two batches of deletions requests come first.
_RETENTION_SECONDS = 0.05
_RELAY_STOP_SECONDS = 4.0
_FLUSH_SECONDS = 2.0


class CommitRequest(msgspec.Struct, array_like=True):
    """Records that one turn of the web worker's event loop gave."""

    number: int
    records: list[Record]


class CommitReply(msgspec.Struct, array_like=True):
    """What became of the batches `numbers`: committed in `seconds`, or refused because of `fault`.

    Without batches it tells the state of the outbox.
    """

    numbers: list[int]
    fault: str | None
    seconds: float
    pending: int
    oldest: str | None
    relay: RelayProgress


class JournalProcess:
    """Commits batches and, between them, keeps house."""

    def __init__(self, parent: ParentConnection, settings: Settings) -> None:
        self._parent = parent
        self._settings = settings
        self._writer = Writer(settings.journal_url)
        self._checkpoints = Checkpoints(settings.journal_url)
        self._log = RequestLog(settings.log_path, settings.log_file_bytes, settings.log_file_backups)
        self._outbox = OutboxStats(0, None)
        self._relay = _relay(settings) if settings.kafka_brokers else None
        self._housekeeping_at = 0.0
        self._log_again_at = 0.0
        self._decoder = msgspec.msgpack.Decoder(CommitRequest)

    def run(self) -> None:
        """Serve until the web worker closes or dies; what it has sent is then committed all the same."""
        self._acknowledge([])
        ended = False
        while not ended:
            wait = max(0.0, self._housekeeping_at - time.monotonic())
            frames, ended = self._parent.receive_batch(_FRAMES_AT_ONCE, wait)
            if frames:
                self._commit([self._decoder.decode(frame) for frame in frames])
                self._checkpoints.committed()
            if time.monotonic() >= self._housekeeping_at and not ended:
                self._housekeeping()
        if self._relay is not None:
            self._relay.stop(_RELAY_STOP_SECONDS)

    def _commit(self, batches: list[CommitRequest]) -> None:
        records = [record for batch in batches for record in batch.records]
        started = time.perf_counter()
        fault = None
        try:
            self._writer.commit(records, before_commit=lambda: self._log.write(records))
        except Exception as error:  # whatever the disk or the database does, the web worker must hear of it
            fault = error_message(error)
            self._log_fault(fault)
        self._acknowledge([batch.number for batch in batches], fault, time.perf_counter() - started)

    def _log_fault(self, fault: str) -> None:
        # Each batch of requests meets it, a thousand times a second.
        if time.monotonic() >= self._log_again_at:
            self._log_again_at = time.monotonic() + _HOUSEKEEPING_SECONDS
            logs.get_logger(__name__).error("journal cannot be written", fault=fault)

    def _acknowledge(self, numbers: list[int], fault: str | None = None, seconds: float = 0) -> None:
        progress = self._relay.progress() if self._relay else RelayProgress()
        self._parent.send(msgspec.msgpack.encode(CommitReply(numbers, fault, seconds, *self._outbox, progress)))

    def _housekeeping(self) -> None:
        pause = _HOUSEKEEPING_SECONDS
        try:
            self._outbox = self._writer.outbox()
            self._acknowledge([])
            if self._delete_expired():
                pause = _RETENTION_SECONDS
        except Exception as error:  # the next commit meets the same fault, and answers for it
            logs.get_logger(__name__).warning("journal housekeeping failed", fault=str(error))
        self._housekeeping_at = time.monotonic() + pause

    def _delete_expired(self) -> int:
        settings = self._settings
        published = self._relay is not None
        deleted = self._writer.delete_expired(settings.retention_days, settings.retention_rows, published=published)
        if deleted:
            told = "retention deleted rows" if published else "retention deleted rows; their events reach no broker"
            logs.get_logger(__name__).info(told, rows=deleted)
        return deleted


def _relay(settings: Settings) -> Relay:
    # The relay computes, and commits are not to wait the usual 5 ms for their turn.
    sys.setswitchinterval(0.0005)
    relay = Relay(OutboxCursor(settings.journal_url, owner()), settings.kafka_topic, lambda: _broker(settings))
    relay.start()
    return relay


def _broker(settings: Settings) -> AbstractAsyncContextManager[Broker]:
    # The client of Kafka is 0.4 s of imports; they are made in the relay's thread, while commits go on.
    from mathops.events.kafka import connected

    return connected(settings)


def main() -> None:
    """Argument: the socket's descriptor. The first frame holds the settings."""
    parent = ParentConnection(int(sys.argv[1]))
    settings = Settings.model_validate_json(parent.receive() or b"{}")
    logs.configure(settings.log_level, settings.log_format)
    if settings.kafka_brokers and tracing.requested():
        tracing.start()
    JournalProcess(parent, settings).run()
    tracing.stop(_FLUSH_SECONDS)


if __name__ == "__main__":
    main()
