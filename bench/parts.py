"""What each real part costs: the service on embedded parts, with one real part, and with all of them.

All servers stay up and take turns, as in compare.py. Events are published when their round ends: until then the next
one waits, and the processor time of it counts.
"""

import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import servers
import trustme
import turns
from compare import load
from tests.integration.services import jaeger, postgres
from tests.integration.services.kafka import Kafka

FIRST_PORT = 5850
REDIS_PORT = 5849
# What a part still does after its round, such as storing traces, is not to burden the next one.
REST_SECONDS = 2
Variables = dict[str, str]


class Round(NamedTuple):
    """What wrk saw, and microseconds of processor time of all the service's processes for each request."""

    rate: float
    p50: float
    p99: float
    processor: float


def settings(stack: ExitStack, folder: Path) -> dict[str, Variables]:
    """Start the parts; gives the settings for each combination."""
    stack.enter_context(servers.running(servers.redis(folder / "redis", REDIS_PORT)))
    authority = trustme.CA()
    kafka = Kafka(authority, proxied=False)
    stack.callback(kafka.remove)
    database = postgres.start(authority)
    stack.callback(database.remove)
    collector = jaeger.start()
    stack.callback(collector.remove)

    redis = {"MATHOPS_REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0"}
    asked = {"MATHOPS_QUOTA_REQUESTS": "1000000/second", "MATHOPS_REVOCATION": "open"}
    events = {"MATHOPS_KAFKA_BROKERS": kafka.brokers}
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": jaeger.endpoint(collector)}

    def rows(name: str) -> Variables:
        return {"MATHOPS_DATABASE_URL": postgres.database_url(database, name)}

    return {
        "embedded": {},
        "Redis": redis,
        "Redis, for quota and revocation too": {**redis, **asked},
        "Kafka": {**events, "MATHOPS_KAFKA_TOPIC": "one"},
        "PostgreSQL": rows("one"),
        "traces, every request": traces,
        "all": {**redis, **asked, **events, "MATHOPS_KAFKA_TOPIC": "all", **rows("all"), **traces},
    }


class Service:
    """One combination, running."""

    def __init__(self, stack: ExitStack, folder: Path, port: int, variables: Variables) -> None:
        self._port = port
        self._publishes = "MATHOPS_KAFKA_BROKERS" in variables
        process = stack.enter_context(servers.running(servers.mathops(folder, port, **variables)))
        servers.wait(port, "/livez")
        self._process = psutil.Process(process.pid)
        self._token = servers.login(port)

    def round(self, connections: int, seconds: int) -> Round:
        """Load it, wait until all is published, and rest."""
        before = self._processor_seconds()
        seen = load(self._port, self._token, connections, seconds)
        while self._publishes and servers.metric(self._port, "mathops_outbox_pending_rows"):
            time.sleep(0.5)
        spent = self._processor_seconds() - before
        time.sleep(REST_SECONDS)
        return Round(*seen, spent / (seen.rate * seconds) * 1e6)

    def _processor_seconds(self) -> float:
        tree = [self._process, *self._process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in tree)


def main() -> None:
    """Print the table."""
    options = turns.options(__doc__, rounds=4)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        services = {
            name: Service(stack, Path(scratch) / str(port), port, variables)
            for port, (name, variables) in enumerate(settings(stack, Path(scratch)).items(), FIRST_PORT)
        }
        medians = turns.medians(
            options.rounds,
            {name: partial(service.round, options.connections, options.seconds) for name, service in services.items()},
        )
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    _table(medians)


def _table(medians: dict[str, Round]) -> None:
    embedded = medians["embedded"]
    print("| parts | requests/s | of embedded | p50 ms | p99 ms | processor µs a request |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, seen in medians.items():
        figures = f"{seen.rate / embedded.rate:.2f} | {seen.p50:.1f} | {seen.p99:.1f} | {seen.processor:.0f}"
        print(f"| {name} | {seen.rate:,.0f} | {figures} |")


if __name__ == "__main__":
    main()
