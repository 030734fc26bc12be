"""The service with two web workers, a small disk, and real dependencies behind proxies."""

import http.client
import json
import re
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.chaos.clock import ServiceClock
from tests.chaos.journals import JournalStore, PostgresStore, SQLiteStore
from tests.chaos.load import Client, Outcome
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.support.proxy import FaultProxy
from tests.support.server import Server

WORKERS = 2
TOKEN_LIFETIME_SECONDS = 86_400
JOURNAL, COMPUTE = "mathops.journal.process", "mathops.processes.pool_worker"
# Enough that all of them rarely reach the same worker.
_PROBES = 8
_LIMIT = "1000000000/minute"


class Dependencies(NamedTuple):
    """Redis, on a fixed port, Kafka, and PostgreSQL if it holds the journal."""

    redis: Container
    kafka: Kafka
    postgres: PostgresStore | None = None


class Environment:
    """The running service and its dependencies; `outcomes` of all clients."""

    def __init__(
        self, server: Server, dependencies: Dependencies, redis_proxy: FaultProxy, topic: str, clock: ServiceClock
    ) -> None:
        self.server = server
        self.redis = dependencies.redis
        self.redis_proxy = redis_proxy
        self.kafka = dependencies.kafka
        self.topic = topic
        self.clock = clock
        self.data = server.folder / "data"
        self.journal: JournalStore = dependencies.postgres or SQLiteStore(self.data / "mathops.db")
        self.outcomes: list[Outcome] = []
        self._numbers = count()

    def client(self, user: str) -> Client:
        """A new client with its own token and request ids."""
        token = self.server.login(user)["Authorization"].removeprefix("Bearer ")
        return Client(f"{self.topic}-{next(self._numbers)}", user, token, self.server.port, self.outcomes)

    def is_healthy(self) -> bool:
        """Whether all processes run and the journal can be written."""
        counts = [len(self.server.processes(module)) for module in (JOURNAL, COMPUTE)]
        return [len(self.server.web_workers), *counts] == [WORKERS, 1, WORKERS] and self.ready("journal")

    def ready(self, *checks: str) -> bool:
        """Whether every worker reports these checks as ok."""
        responses = [self._get("/readyz") for _ in range(_PROBES)]
        return all(
            status == 200 and all(json.loads(body)["checks"][name] == "ok" for name in checks)
            for status, body in responses
        )

    def bypasses_redis(self) -> bool:
        """Whether a circuit breaker of any worker is open."""
        _, text = self._get("/metrics")
        return any(
            float(value) for value in re.findall(rb"^mathops_circuit_breaker_open\{.*\} (.+)$", text, re.MULTILINE)
        )

    def _get(self, path: str) -> tuple[int, bytes]:
        # A new connection each time, because it may reach another worker.
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def outbox(self) -> tuple[int, int]:
        """The last published sequence number, and the last of the journal."""
        position, last = self.journal.query(
            "(SELECT position FROM relay), (SELECT coalesce(max(seq), 0) FROM requests)"
        )
        return position, last

    def relay(self) -> psutil.Process | None:
        """The journal process while it holds the relay's lease, or None."""
        (owner,) = self.journal.query("(SELECT owner FROM relay)")
        processes = self.server.processes(JOURNAL)
        return processes[0] if owner and processes else None

    def published(self) -> Callable[[], bool]:
        """Condition: the broker has all rows that the journal has now."""
        _, last = self.outbox()
        return lambda: self.outbox()[0] >= last

    def processes(self) -> list[psutil.Process]:
        """All child processes of the service."""
        assert self.server.process is not None
        return psutil.Process(self.server.process.pid).children(recursive=True)


def holds(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` becomes true within `seconds`; an exception counts as false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, ValueError, LookupError, http.client.HTTPException, psutil.Error, sqlite3.Error):
            pass
        # Polling more often would load the service.
        time.sleep(0.2)
    return False


@contextmanager
def running(folder: Path, dependencies: Dependencies) -> Iterator[Environment]:
    """Start the service with its data in `folder`/data."""
    # While the clock of the service is ahead by more, the broker rejects its events.
    topic = dependencies.kafka.make_topic(
        f"chaos-{uuid.uuid4().hex[:12]}", configuration={"message.timestamp.after.max.ms": "60000"}
    )
    clock = ServiceClock(folder)
    with FaultProxy(("127.0.0.1", dependencies.redis.port(6379))) as redis_proxy:
        server = Server(folder, {**_variables(redis_proxy, dependencies, topic), **clock.variables})
        try:
            yield Environment(server.start(), dependencies, redis_proxy, topic, clock)
        finally:
            server.kill()


def _variables(redis_proxy: FaultProxy, dependencies: Dependencies, topic: str) -> dict[str, str]:
    return {
        "MATHOPS_DATABASE_URL": dependencies.postgres.url if dependencies.postgres else "",
        "MATHOPS_WORKERS": str(WORKERS),
        "MATHOPS_REDIS_URL": f"redis://127.0.0.1:{redis_proxy.port}/0",
        "MATHOPS_KAFKA_BROKERS": dependencies.kafka.brokers,
        "MATHOPS_KAFKA_TOPIC": topic,
        # Tokens stay valid while the clock is ahead.
        "MATHOPS_TOKEN_LIFETIME_SECONDS": str(TOKEN_LIFETIME_SECONDS),
        # Cached results expire soon; computations may wait as long as a slow machine needs.
        "MATHOPS_CACHE_TTL_SECONDS": "5",
        "MATHOPS_COMPUTE_WORKERS": "1",
        "MATHOPS_COMPUTE_QUEUE": "64",
        "MATHOPS_COMPUTE_DEADLINE_SECONDS": "20",
        # Rate limits are counted but never reached.
        "MATHOPS_QUOTA_REQUESTS": _LIMIT,
        "MATHOPS_QUOTA_COMPUTE": _LIMIT,
        "MATHOPS_QUOTA_UNAUTHENTICATED": _LIMIT,
        "MATHOPS_QUOTA_LOGIN": _LIMIT,
        # Rotated often, with every file kept.
        "MATHOPS_LOG_FILE_BYTES": "1000000",
        "MATHOPS_LOG_FILE_BACKUPS": "1000",
    }
