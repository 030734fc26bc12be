"""The service with two web workers, a small disk, and real neighbours behind proxies."""

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
from typing import Any, NamedTuple

import psutil

from tests.chaos.load import Caller, Outcome
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.support.proxy import FaultProxy
from tests.support.server import Server

WORKERS = 2
JOURNAL, COMPUTE = "mathops.journal.process", "mathops.processes.pool_worker"
# Enough that the chance to have asked one worker only is small.
_PROBES = 8
_LIMIT = "1000000000/minute"


class Neighbours(NamedTuple):
    """What the service has beside it; Redis on a port that it keeps."""

    redis: Container
    kafka: Kafka


class Scene:
    """The running whole; `outcomes` is what all callers saw."""

    def __init__(self, server: Server, neighbours: Neighbours, redis_proxy: FaultProxy, topic: str) -> None:
        self.server = server
        self.redis = neighbours.redis
        self.redis_proxy = redis_proxy
        self.kafka = neighbours.kafka
        self.topic = topic
        self.data = server.folder / "data"
        self.outcomes: list[Outcome] = []
        self._numbers = count()

    def caller(self, user: str) -> Caller:
        """One more client, with a token and with request ids of its own."""
        token = self.server.login(user)["Authorization"].removeprefix("Bearer ")
        return Caller(f"{self.topic}-{next(self._numbers)}", user, token, self.server.port, self.outcomes)

    def whole(self) -> bool:
        """Whether all processes are there and the journal can be written."""
        counts = [len(self.server.processes(module)) for module in (JOURNAL, COMPUTE)]
        return [len(self.server.web_workers), *counts] == [WORKERS] * 3 and self.ready("journal")

    def ready(self, *checks: str) -> bool:
        """Whether every worker answers that these checks are well."""
        answers = [self._get("/readyz") for _ in range(_PROBES)]
        return all(
            status == 200 and all(json.loads(body)["checks"][name] == "ok" for name in checks)
            for status, body in answers
        )

    def doing_without_redis(self) -> bool:
        """Whether any worker leaves any part of Redis alone."""
        _, text = self._get("/metrics")
        return any(
            float(value) for value in re.findall(rb"^mathops_circuit_breaker_open\{.*\} (.+)$", text, re.MULTILINE)
        )

    def _get(self, path: str) -> tuple[int, bytes]:
        # A new connection each time, for it may go to another worker.
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def outbox(self) -> tuple[int, int]:
        """The place up to which the broker has the journal, and the journal's last."""
        position, last = self._query("(SELECT position FROM relay), (SELECT coalesce(max(seq), 0) FROM requests)")
        return position, last

    def relay(self) -> psutil.Process | None:
        """The journal process that publishes, if there is one just now."""
        (owner,) = self._query("(SELECT owner FROM relay)")
        pid = int(owner.split(":")[-2]) if owner else 0
        return psutil.Process(pid) if pid and psutil.pid_exists(pid) else None

    def _query(self, expressions: str) -> tuple[Any, ...]:
        with closing(sqlite3.connect(f"file:{self.data / 'mathops.db'}?mode=ro", uri=True)) as database:
            row: tuple[Any, ...] = database.execute(f"SELECT {expressions}").fetchone()
        return row

    def published(self) -> Callable[[], bool]:
        """A claim: that the broker has all that is in the journal by now."""
        _, mark = self.outbox()
        return lambda: self.outbox()[0] >= mark

    def processes(self) -> list[psutil.Process]:
        """All that run for the service."""
        assert self.server.process is not None
        return psutil.Process(self.server.process.pid).children(recursive=True)


def holds(claim: Callable[[], bool], seconds: float) -> bool:
    """Whether `claim` comes true within `seconds`; one that fails is not yet true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if claim():
                return True
        except (OSError, ValueError, LookupError, http.client.HTTPException, psutil.Error, sqlite3.Error):
            pass
        # Asked more often, the service would be busy with that.
        time.sleep(0.2)
    return False


@contextmanager
def opened(folder: Path, neighbours: Neighbours) -> Iterator[Scene]:
    """The service started, with its data in `folder`/data."""
    topic = f"chaos-{uuid.uuid4().hex[:12]}"
    with FaultProxy(("127.0.0.1", neighbours.redis.port(6379))) as redis_proxy:
        server = Server(folder, _variables(redis_proxy, neighbours.kafka, topic))
        try:
            yield Scene(server.start(), neighbours, redis_proxy, topic)
        finally:
            server.kill()


def _variables(redis_proxy: FaultProxy, kafka: Kafka, topic: str) -> dict[str, str]:
    return {
        "MATHOPS_WORKERS": str(WORKERS),
        "MATHOPS_REDIS_URL": f"redis://127.0.0.1:{redis_proxy.port}/0",
        "MATHOPS_REVOCATION": "open",
        "MATHOPS_KAFKA_BROKERS": kafka.brokers,
        "MATHOPS_KAFKA_TOPIC": topic,
        # Results leave the cache soon, and computations wait as long as the machine needs.
        "MATHOPS_CACHE_TTL_SECONDS": "5",
        "MATHOPS_COMPUTE_WORKERS": "1",
        "MATHOPS_COMPUTE_QUEUE": "64",
        "MATHOPS_COMPUTE_DEADLINE_SECONDS": "20",
        # Counted, and never used up.
        "MATHOPS_QUOTA_REQUESTS": _LIMIT,
        "MATHOPS_QUOTA_COMPUTE": _LIMIT,
        "MATHOPS_QUOTA_UNAUTHENTICATED": _LIMIT,
        # Rotated often, and kept to the last line.
        "MATHOPS_LOG_FILE_BYTES": "1000000",
        "MATHOPS_LOG_FILE_BACKUPS": "1000",
    }
