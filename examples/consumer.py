"""Count the requests of each user, from the events in Kafka.

    python examples/consumer.py --brokers localhost:9092

Events come at least once: one that was seen already, by its `id`, is passed over. The place in the topic is kept by
the consumer group, so that the next run goes on where this one ended.
"""

import argparse
import asyncio
import json
from collections import Counter, OrderedDict

from aiokafka import AIOKafkaConsumer

# Duplicates follow a fault of the broker, and lie near to what they repeat.
REMEMBERED = 100_000


class Counts:
    """Requests by user; each event counts once."""

    def __init__(self) -> None:
        self.by_user: Counter[str] = Counter()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def add(self, value: bytes) -> bool:
        """Count an event; tells whether it was new."""
        event = json.loads(value)
        if event["id"] in self._seen:
            return False
        self._seen[event["id"]] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        self.by_user[event["user"] or "(nobody)"] += 1
        return True


async def consume(brokers: str, topic: str, group: str, seconds: float | None) -> Counts:
    """Count until there was nothing new for `seconds`, or for ever."""
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
    """Read the arguments and count."""
    parser = argparse.ArgumentParser(description="Count the requests of each user.")
    parser.add_argument("--brokers", default="localhost:9092")
    parser.add_argument("--topic", default="math-requests")
    parser.add_argument("--group", default="mathops-example")
    parser.add_argument("--seconds", type=float, help="end when nothing new has come for so long")
    arguments = parser.parse_args()
    asyncio.run(consume(arguments.brokers, arguments.topic, arguments.group, arguments.seconds))


if __name__ == "__main__":
    main()
