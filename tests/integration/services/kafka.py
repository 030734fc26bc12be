"""A real broker (KRaft), and what lies in its topics."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.integration.services.containers import KAFKA, Container
from tests.process import free_port
from tests.proxy import FaultProxy

# Some builds of the image do not start again on storage that is formatted already.
_START = "/etc/kafka/docker/run || exec /opt/kafka/bin/kafka-server-start.sh /opt/kafka/config/server.properties"


class Event(NamedTuple):
    partition: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class Kafka:
    """A broker that clients reach through `proxy` only, for that is the address it tells them."""

    def __init__(self) -> None:
        port = free_port()
        self.proxy = FaultProxy(("127.0.0.1", port))
        inner = {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://localhost:9093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{self.proxy.port}",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "AUTO_CREATE_TOPICS_ENABLE": "false",
            "HEAP_OPTS": "-Xmx300m -Xms128m",
        }
        variables = {f"KAFKA_{name}": value for name, value in inner.items()}
        # As root, for some builds keep their configuration where their own user may not write.
        self.container = Container(
            KAFKA, [9092], environment=variables, command=["sh", "-c", _START], fixed={9092: port}, user="0"
        )
        self.container.ready(lambda: self.topics() is not None, 90)

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"

    def topics(self) -> list[str]:
        return asyncio.run(self._admin(lambda admin: admin.list_topics()))

    def make_topic(self, name: str, partitions: int = 3, **configuration: str) -> str:
        topic = NewTopic(name, partitions, 1, topic_configs=configuration)
        asyncio.run(self._admin(lambda admin: admin.create_topics([topic])))
        return name

    async def _admin(self, ask: Callable[[AIOKafkaAdminClient], Any]) -> Any:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        async with asyncio.timeout(20):
            await admin.start()
            try:
                return await ask(admin)
            finally:
                await admin.close()

    def events(self, topic: str, seconds: float = 30) -> list[Event]:
        """All there is in a topic, in order within each partition, read within `seconds`."""
        return asyncio.run(self._events(topic, seconds))

    async def _events(self, topic: str, seconds: float) -> list[Event]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        found: list[Event] = []
        async with asyncio.timeout(seconds):
            await consumer.start()
            try:
                await consumer._client._wait_on_metadata(topic)
                partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
                consumer.assign(partitions)
                ends = await consumer.end_offsets(partitions)
                await consumer.seek_to_beginning(*partitions)
                while any([await consumer.position(place) < ends[place] for place in partitions]):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [Event(r.partition, r.key, r.value, dict(r.headers)) for r in records]
            finally:
                await consumer.stop()
        return found

    def remove(self) -> None:
        self.container.remove()
        self.proxy.__exit__(None, None, None)
