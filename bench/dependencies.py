"""Cost of each dependency: the service alone, with one dependency, and with all of them beside a peer in FastAPI.

All servers stay up and their rounds are interleaved. A round with Kafka ends once its events are published, and its
processor time includes publishing.
"""

import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import interleave
import servers
import trustme
from compare import load
from tests.integration.services import jaeger, postgres
from tests.integration.services.kafka import Kafka

FIRST_PORT = 5850
REDIS_PORT = 5849
PEER_PORT = 5848
# Work left over from a round, such as storing traces, must not slow the next one.
PAUSE_SECONDS = 2
Variables = dict[str, str]


class Round(NamedTuple):
    """One measurement by wrk, and microseconds of processor time per request: of the service, and of the machine."""

    rate: float
    p50: float
    p99: float
    processor: float
    machine: float


def start_dependencies(stack: ExitStack, folder: Path) -> tuple[dict[str, Variables], Variables]:
    """Start all dependencies; returns the settings of each combination, and those of the peer with all."""
    stack.enter_context(servers.running(servers.redis(folder / "redis", REDIS_PORT)))
    authority = trustme.CA()
    kafka = Kafka(authority, proxied=False)
    stack.callback(kafka.remove)
    database = postgres.start(authority)
    stack.callback(database.remove)
    collector = jaeger.start()
    stack.callback(collector.remove)

    redis = {"MATHOPS_REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0"}
    shared = {"MATHOPS_QUOTA_REQUESTS": "1000000/second"}
    events = {"MATHOPS_KAFKA_BROKERS": kafka.brokers}
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": jaeger.endpoint(collector)}

    def rows(name: str) -> Variables:
        return {"MATHOPS_DATABASE_URL": postgres.database_url(database, name)}

    sampled = {**traces, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    everything = {**redis, **shared, **events}
    kafka.make_topic("baseline-requests")
    peer = {
        "FASTAPI_BASELINE_KAFKA": kafka.brokers,
        "FASTAPI_BASELINE_DATABASE": postgres.database_url(database, "peer").replace("://", "+psycopg://", 1),
    }
    combinations = {
        "embedded": {},
        "Redis": redis,
        "Redis with rate limits": {**redis, **shared},
        "Kafka": {**events, "MATHOPS_KAFKA_TOPIC": "one"},
        "PostgreSQL": rows("one"),
        "tracing of 10 %": sampled,
        "tracing of every request": traces,
        "all, tracing of 10 %": {**everything, "MATHOPS_KAFKA_TOPIC": "some", **rows("some"), **sampled},
        "all": {**everything, "MATHOPS_KAFKA_TOPIC": "all", **rows("all"), **traces},
    }
    return combinations, peer


class Service:
    """The service with one combination of dependencies, or its peer."""

    def __init__(self, stack: ExitStack, port: int, command: servers.Command) -> None:
        self._port = port
        self._publishes = "MATHOPS_KAFKA_BROKERS" in command.variables
        process = stack.enter_context(servers.running(command))
        servers.wait(port, "/livez")
        self._pid = process.pid
        self._token = servers.login(port)

    def round(self, connections: int, seconds: int) -> Round:
        """Load the service, wait until its events are published, and pause."""
        before, machine_before = servers.processor_seconds(self._pid), servers.busy_seconds()
        measured = load(self._port, f"Authorization: Bearer {self._token}", connections, seconds)
        while self._publishes and servers.metric(self._port, "mathops_outbox_pending_rows"):
            time.sleep(0.5)
        requests = measured.rate * seconds / 1e6
        used, machine = servers.processor_seconds(self._pid) - before, servers.busy_seconds() - machine_before
        time.sleep(PAUSE_SECONDS)
        return Round(*measured, used / requests, machine / requests)


def main() -> None:
    """Print the table."""
    options = interleave.parse_options(__doc__, rounds=6)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folder = Path(scratch)
        combinations, peer = start_dependencies(stack, folder)
        services = {
            name: Service(stack, port, servers.mathops(folder / str(port), port, **variables))
            for port, (name, variables) in enumerate(combinations.items(), FIRST_PORT)
        }
        command = servers.fastapi_baseline(folder / "peer", PEER_PORT, REDIS_PORT, **peer)
        services["FastAPI, the ORM of SQLAlchemy, redis and aiokafka"] = Service(stack, PEER_PORT, command)
        medians = interleave.medians(
            options.rounds,
            {name: partial(service.round, options.connections, options.seconds) for name, service in services.items()},
        )
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    _table(medians)


def _table(medians: dict[str, Round]) -> None:
    embedded = medians["embedded"]
    print("| dependencies | requests/s | of embedded | p50 ms | p99 ms | processor µs | of embedded | machine µs |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, median in medians.items():
        figures = f"{median.rate / embedded.rate:.2f} | {median.p50:.1f} | {median.p99:.1f} | {median.processor:,.0f}"
        costs = f"{median.processor / embedded.processor:.2f} | {median.machine:,.0f}"
        print(f"| {name} | {median.rate:,.0f} | {figures} | {costs} |")


if __name__ == "__main__":
    main()
