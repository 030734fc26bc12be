"""Count the requests of each user, from the events in Kafka. docs/events.md shows how to run it.

Events are delivered at least once. Counts and ids change in one transaction of a local database, so that every request
is counted once, also when this program or the broker is killed. Positions are committed to the consumer group, where
tools such as kafka-consumer-groups.sh show the lag.
"""

import argparse
import asyncio
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer

# A duplicate follows its original closely, because duplicates result from retried batches.
REMEMBERED_IDS = 100_000


class Counts:
    """Number of requests by user, in a SQLite file."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS counts (user TEXT PRIMARY KEY, requests INTEGER NOT NULL);"
            "CREATE TABLE IF NOT EXISTS seen (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
        )

    def add(self, values: Sequence[bytes]) -> None:
        """Count the events that are no duplicates."""
        with self._database as database:
            for event in map(json.loads, values):
                new = database.execute("INSERT INTO seen (id) VALUES (?) ON CONFLICT DO NOTHING", (event["id"],))
                if new.rowcount:
                    user = event["user"] or "(unauthenticated)"
                    database.execute(
                        "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET requests = requests + 1", (user,)
                    )
            database.execute("DELETE FROM seen WHERE number <= (SELECT max(number) FROM seen) - ?", (REMEMBERED_IDS,))

    def by_user(self) -> dict[str, int]:
        return dict(self._database.execute("SELECT user, requests FROM counts ORDER BY user"))

    def close(self) -> None:
        self._database.close()


async def consume(consumer: Any, counts: Counts, seconds: float | None) -> None:
    """Count until no event arrives for `seconds`. None: count until interrupted."""
    while True:
        async with asyncio.timeout(seconds):
            first = await consumer.getone()
        following = await consumer.getmany()
        counts.add([first.value, *(event.value for events in following.values() for event in events)])
        await consumer.commit()
        print(counts.by_user(), flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Count the requests of each user.")
    parser.add_argument("--brokers", default="localhost:9092")
    parser.add_argument("--topic", default="math-requests")
    parser.add_argument("--group", default="mathops-example")
    parser.add_argument("--username", help="with the password in the variable KAFKA_PASSWORD")
    parser.add_argument("--state", default="counts.db", help="SQLite file of the counts")
    parser.add_argument("--seconds", type=float, help="exit after this many seconds without an event")
    arguments = parser.parse_args()
    login = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": arguments.username,
        "sasl_plain_password": os.environ.get("KAFKA_PASSWORD"),
    }
    consumer = AIOKafkaConsumer(
        arguments.topic,
        bootstrap_servers=arguments.brokers,
        group_id=arguments.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **(login if arguments.username else {}),
    )
    await consumer.start()
    try:
        with closing(Counts(arguments.state)) as counts, suppress(TimeoutError):
            await consume(consumer, counts, arguments.seconds)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
