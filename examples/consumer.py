"""Count the requests of each user, from the events in Kafka.

    python examples/consumer.py --brokers localhost:9092

Events are delivered at least once; this consumer removes duplicates by `id`. The consumer group stores the position in
the topic, so the next run continues after the last event of this one.
"""

import argparse
import asyncio
import json
from collections import Counter, OrderedDict

from aiokafka import AIOKafkaConsumer

# A duplicate follows its original closely, because duplicates result from retried batches.
MAX_REMEMBERED_IDS = 100_000


class Counts:
    """Number of requests by user. Duplicate events are ignored."""

    def __init__(self) -> None:
        self.by_user: Counter[str] = Counter()
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, value: bytes) -> bool:
        """Count an event. Returns whether it was new."""
        event = json.loads(value)
        if event["id"] in self._ids:
            return False
        self._ids[event["id"]] = None
        if len(self._ids) > MAX_REMEMBERED_IDS:
            self._ids.popitem(last=False)
        self.by_user[event["user"] or "(unauthenticated)"] += 1
        return True


async def consume(brokers: str, topic: str, group: str, seconds: float | None) -> Counts:
    """Count until no event arrives for `seconds`. None: count until interrupted."""
    counts = Counts()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, group_id=group, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while True:
            async with asyncio.timeout(seconds):
                record = await consumer.getone()
            if counts.add(record.value):
                print(dict(counts.by_user), flush=True)
    except TimeoutError:
        return counts
    finally:
        await consumer.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the requests of each user.")
    parser.add_argument("--brokers", default="localhost:9092")
    parser.add_argument("--topic", default="math-requests")
    parser.add_argument("--group", default="mathops-example")
    parser.add_argument("--seconds", type=float, help="exit after this many seconds without a new event")
    arguments = parser.parse_args()
    asyncio.run(consume(arguments.brokers, arguments.topic, arguments.group, arguments.seconds))


if __name__ == "__main__":
    main()
