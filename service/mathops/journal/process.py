"""The journal process: commits what all web workers send, many requests in one transaction."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from mathops.events.relay import Relay
from mathops.journal.database.engine import database_of, error_message
from mathops.journal.outbox import DatabaseOutbox
from mathops.journal.request_log import RequestLog
from mathops.journal.rows import OutboxStats, Writer
from mathops.journal.window import CommitReply
from mathops.ports import Broker, RelayProgress
from mathops.processes.frame_server import ClientConnection, FrameServer
from mathops.settings import Settings
from mathops.telemetry import logs
from mathops.telemetry.tracing import NO_TRACING, AnyTracing
from mathops.telemetry.tracing_setup import start_tracing

_HOUSEKEEPING_SECONDS = 1.0
# The pause between two batches of deletions, in which requests are committed.
_RETENTION_SECONDS = 0.05
# Together less than the supervisor waits.
_RELAY_STOP_SECONDS = 1.2
_SPAN_EXPORT_SECONDS = 0.5


class JournalProcess:
    """Commits batches of records and does the housekeeping in between."""

    def __init__(self, server: FrameServer, settings: Settings, relay: Relay | None = None, restarts: int = 0) -> None:
        database = database_of(settings.journal_url)
        self._server = server
        self._restarts = restarts
        self._settings = settings
        self._writer = Writer(database)
        self._after_write = database.after_write()
        self._request_log = RequestLog(settings.log_path, settings.log_file_bytes, settings.log_file_backups)
        self._outbox = OutboxStats(0, None)
        self._relay = relay
        self._housekeeping_at = 0.0
        self._log_again_at = 0.0

    def run(self) -> None:
        """Run until the service has ended; the frames that web workers sent before are still committed."""
        while self._server.is_open:
            received = self._server.receive(max(0.0, self._housekeeping_at - time.monotonic()))
            if received:
                self._commit(received)
            if time.monotonic() >= self._housekeeping_at:
                self._housekeeping()
        if self._relay:
            self._relay.stop(_RELAY_STOP_SECONDS)

    def _commit(self, received: Mapping[ClientConnection, Sequence[bytes]]) -> None:
        frames = [frame for frames in received.values() for frame in frames]
        if not frames:
            self._reply(received)
            return
        started = time.perf_counter()
        error = None
        try:
            self._writer.commit(b"".join(frames), before_commit=self._request_log.write)
        except Exception as failure:  # web workers must learn of every failure
            # The message of the database may name its host or its folder, so callers do not see it.
            error = "the journal cannot be written"
            # A thousand commits may fail in a second.
            if time.monotonic() >= self._log_again_at:
                self._log_again_at = time.monotonic() + _HOUSEKEEPING_SECONDS
                logs.get_logger(__name__).error("journal cannot be written", error=error_message(failure))
        self._reply(received, error, time.perf_counter() - started)
        if self._relay:
            self._relay.wake()
        self._after_write()

    def _reply(
        self, received: Mapping[ClientConnection, Sequence[bytes]], error: str | None = None, seconds: float = 0
    ) -> None:
        progress = self._relay.progress() if self._relay and received else RelayProgress()
        for connection, frames in received.items():
            reply = CommitReply(len(frames), error, seconds, *self._outbox, self._restarts, progress)
            connection.send(msgspec.msgpack.encode(reply))
            self._restarts, progress = 0, RelayProgress(error=progress.error)

    def _housekeeping(self) -> None:
        retention = self._settings.retention_days, self._settings.retention_rows
        keep = bool(self._settings.kafka_brokers)
        deleted = 0
        try:
            if self._relay:
                self._outbox = self._writer.outbox()
            self._reply(dict.fromkeys(self._server.connections, ()))
            deleted = self._writer.delete_expired(*retention, keep_unpublished=keep)
            if deleted:
                logs.get_logger(__name__).info("retention deleted rows", rows=deleted, keep_unpublished=keep)
        except Exception as error:  # the next commit meets the same error and reports it
            logs.get_logger(__name__).warning("journal housekeeping failed", error=error_message(error))
        self._after_write()
        self._housekeeping_at = time.monotonic() + (_RETENTION_SECONDS if deleted else _HOUSEKEEPING_SECONDS)


def _start_relay(settings: Settings, owner: str, tracing: AnyTracing) -> Relay:
    # The default of 5 ms would delay commits while the relay's thread computes.
    sys.setswitchinterval(0.0005)

    def broker() -> AbstractAsyncContextManager[Broker]:
        # Importing aiokafka takes 0.4 s; the relay's thread does it while commits go on.
        from mathops.events.kafka import open_broker

        return open_broker(settings)

    outbox = DatabaseOutbox(database_of(settings.journal_url), owner)
    relay = Relay(outbox, settings.kafka_topic, broker, tracing)
    relay.start()
    return relay


def main() -> None:
    """Arguments: the descriptor of the connection queue, 1 after a restart, and the owner of the relay's lease.

    Standard input holds the settings.
    """
    descriptor, restarts, owner = sys.argv[1:]
    server = FrameServer(int(descriptor))
    if not (configuration := sys.stdin.buffer.read()):
        # The start of the service failed while this process imported its modules.
        return
    settings = Settings.model_validate_json(configuration)
    logs.configure(settings.log_level, settings.log_format)
    # Only the relay creates spans in this process.
    tracing = start_tracing() if settings.kafka_brokers else NO_TRACING
    relay = _start_relay(settings, owner, tracing) if settings.kafka_brokers else None
    JournalProcess(server, settings, relay, int(restarts)).run()
    tracing.stop(_SPAN_EXPORT_SECONDS)


if __name__ == "__main__":
    main()
