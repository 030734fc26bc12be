"""Events: rate of a backlog of small records into Kafka, processor time per record, and latency on an idle service.

Also the latency of small requests while a backlog is published.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import servers
import trustme
from aiokafka import AIOKafkaConsumer
from mixed_load import SMALL, latencies, print_table
from sqlalchemy import String, cast, func, insert, literal, select
from tests.integration.services.kafka import Kafka
from tests.support.records import json_lines, make_record

from mathops.events.kafka import open_broker
from mathops.events.relay import Relay
from mathops.journal.database import schema
from mathops.journal.database.engine import WriteEngine, database_of
from mathops.journal.database.tables import requests
from mathops.journal.outbox import DatabaseOutbox
from mathops.journal.rows import Writer
from mathops.settings import Settings

PORT = 5890
USERS = 50
BATCH_ROWS = 1000
SHORT_ROWS = USERS * 100
# PostgreSQL cancels statements that copy several million rows.
COPIED_ROWS = 500_000
_COPIED = [column for column in requests.columns if column.name not in ("seq", "id")]
LATENCY_SECONDS = 4
PENDING = "mathops_outbox_pending_rows"
REQUESTS = 40
PAUSE_SECONDS = 0.3


def store(url: str, rows: int) -> None:
    """Fill the journal."""
    schema.upgrade(url)
    with closing(Writer(database_of(url))) as writer:
        for _ in range(0, rows, BATCH_ROWS):
            records = (make_record(user=f"user{number % USERS}") for number in range(BATCH_ROWS))
            writer.commit(json_lines(*records), before_commit=lambda _: None)


def fill(url: str, rows: int) -> None:
    """Store a short journal, and copy it within the database until it has `rows` rows."""
    store(url, SHORT_ROWS)
    stored = SHORT_ROWS
    with closing(WriteEngine(database_of(url), durable=False)) as engine:
        while stored < rows:
            identifier = literal("copy-") + cast(requests.c.seq + stored, String)
            source = select(identifier, *_COPIED).where(requests.c.seq <= min(rows - stored, COPIED_ROWS))
            with engine.transaction() as connection:
                connection.execute(insert(requests).from_select(["id", *(column.name for column in _COPIED)], source))
                stored = connection.execute(select(func.count()).select_from(requests)).scalar_one()


def processor_seconds() -> float:
    """Of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def publish_backlog(settings: Settings, rows: int) -> None:
    """Print records per second from the first batch to the last."""
    fill(settings.journal_url, rows)
    relay = Relay(
        DatabaseOutbox(database_of(settings.journal_url), "bench@host"),
        settings.kafka_topic,
        lambda: open_broker(settings),
    )
    relay.start()
    first = 0
    while not first:
        time.sleep(0.01)
        first = relay.progress().published
    started, processor, published = time.perf_counter(), processor_seconds(), first
    while published < rows:
        time.sleep(0.05)
        published += relay.progress().published
    elapsed, used = time.perf_counter() - started, processor_seconds() - processor
    relay.stop(10)
    counted = published - first
    print("| backlog | records/s | processor µs per record |")
    print("|---:|---:|---:|")
    print(f"| {counted:,} | {counted / elapsed:,.0f} | {used / counted * 1e6:.0f} |")


def request(token: str, number: int) -> None:
    """Send one request."""
    url = f"http://127.0.0.1:{PORT}/pow?base={number}&exp=5"
    urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})).read()


async def event_latencies(kafka: Kafka, topic: str, token: str) -> list[float]:
    """Milliseconds from the response until a consumer has the event."""
    # A consumer does not fetch a partition again while it waits for others.
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.brokers, fetch_max_wait_ms=5)
    await consumer.start()
    milliseconds = []
    try:
        for number in range(REQUESTS):
            await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.to_thread(request, token, number)
            sent = time.time()
            await asyncio.wait_for(consumer.getone(), 5)
            milliseconds.append((time.time() - sent) * 1000)
    finally:
        await consumer.stop()
    return milliseconds


def measure_latency(kafka: Kafka, folder: Path) -> None:
    """Print the latency of events."""
    topic = kafka.make_topic(uuid4().hex)
    variables = {"MATHOPS_KAFKA_BROKERS": kafka.brokers, "MATHOPS_KAFKA_TOPIC": topic}
    with servers.running(servers.mathops(folder, PORT, **variables)):
        servers.wait(PORT, "/livez")
        percentiles = statistics.quantiles(asyncio.run(event_latencies(kafka, topic, servers.login(PORT))), n=20)
    print("| events | p50 ms | p95 ms |")
    print("|---:|---:|---:|")
    print(f"| {REQUESTS} | {percentiles[9]:.1f} | {percentiles[18]:.1f} |")


def measure_requests(kafka: Kafka, folder: Path, rows: int) -> None:
    """Print the latency of small requests while a backlog is published, and after it."""
    folder.mkdir()
    fill(Settings(data_dir=folder).journal_url, rows)
    variables = {"MATHOPS_KAFKA_BROKERS": kafka.brokers, "MATHOPS_KAFKA_TOPIC": kafka.make_topic(uuid4().hex)}
    with servers.running(servers.mathops(folder, PORT, **variables)):
        servers.wait(PORT, "/livez")
        token = servers.login(PORT)
        while not 0 < servers.metric(PORT, PENDING) < rows:
            time.sleep(0.01)
        meanwhile = latencies(PORT, token, SMALL, LATENCY_SECONDS)
        if not servers.metric(PORT, PENDING):
            raise SystemExit("the backlog ended too early; choose more --rows")
        while servers.metric(PORT, PENDING):
            time.sleep(0.1)
        alone = latencies(PORT, token, SMALL, LATENCY_SECONDS)
        # The lower bound: publishing needs a whole core of the machine.
        with servers.busy(1, 0):
            busy = latencies(PORT, token, SMALL, LATENCY_SECONDS)
    condition = f"while {rows:,} records are published"
    print_table({"alone": alone, "with one busy process": busy, condition: meanwhile})


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    kafka = Kafka(trustme.CA(), proxied=False)
    try:
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
            folder = Path(scratch)
            backlog = Settings(data_dir=folder, kafka_brokers=kafka.brokers, kafka_topic=uuid4().hex)
            publish_backlog(backlog, rows)
            print()
            measure_latency(kafka, folder / "service")
            print()
            measure_requests(kafka, folder / "backlog", rows)
    finally:
        kafka.remove()


if __name__ == "__main__":
    main()
