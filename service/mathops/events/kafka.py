"""Kafka through aiokafka, with a timeout on every call, because aiokafka may wait forever for an unreachable broker."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import DefaultPartitioner

from mathops.events.kafka_connection import START_SECONDS, connection_settings, running
from mathops.ports import Message, MessageRejected
from mathops.settings import Settings

# Callers report each error once; aiokafka would log every attempt with a stack trace.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

_SEND_SECONDS = 20.0
_DEMO_PARTITIONS = 3

# Errors that a retry of the same message would meet again. An invalid timestamp is none: each attempt has a new one.
_REJECTIONS = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.UnsupportedForMessageFormatError,
    errors.PolicyViolationError,
)

_partition_of = DefaultPartitioner()


class KafkaBroker:
    """Implements ports.Broker; not usable after an error."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def publish(self, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                by_partition = await self._group_by_partition(messages)
                outcomes = await asyncio.gather(
                    *(self._send(partition, group) for partition, group in by_partition.items()),
                    return_exceptions=True,
                )
            for error in filter(None, outcomes):
                raise error
        except _REJECTIONS as error:
            raise MessageRejected(str(error) or type(error).__name__) from error

    async def _group_by_partition(self, messages: Sequence[Message]) -> dict[int, list[Message]]:
        """The partitions are those that the Java client would choose."""
        partitions = sorted(await self._producer.partitions_for(self._topic))
        available = list(self._producer.client.cluster.available_partitions_for_topic(self._topic) or ())
        by_partition: dict[int, list[Message]] = defaultdict(list)
        for message in messages:
            by_partition[_partition_of(message.key, partitions, available)].append(message)
        return by_partition

    async def _send(self, partition: int, messages: Sequence[Message]) -> None:
        # With two batches on the way, the second one would be stored although the first one is rejected.
        for batch in self._batches(messages):
            await (await self._producer.send_batch(batch, self._topic, partition=partition))

    def _batches(self, messages: Sequence[Message]) -> Iterator[Any]:
        batch = self._producer.create_batch()
        for key, value, headers in messages:
            # A full batch returns None; an empty one takes a message of any size.
            while batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                yield batch
                batch = self._producer.create_batch()
        yield batch

    async def check(self) -> None:
        client, cluster = self._producer.client, self._producer.client.cluster
        async with asyncio.timeout(START_SECONDS):
            await client.add_topic(self._topic)
            if not await client.force_metadata_update():
                raise ConnectionError("no broker answers")
            if self._topic in cluster.unauthorized_topics:
                raise errors.TopicAuthorizationFailedError(self._topic)
            partitions = cluster.available_partitions_for_topic(self._topic)
            if not partitions:
                raise ConnectionError(f"the topic {self._topic} is missing or has no leader")
            leaders = {cluster.leader_for_partition(TopicPartition(self._topic, number)) for number in partitions}
            if not all([await client.ready(leader) for leader in leaders]):
                raise ConnectionError(f"a leader of the topic {self._topic} cannot be reached")


@asynccontextmanager
async def open_broker(settings: Settings) -> AsyncIterator[KafkaBroker]:
    """A started producer; in the demo it creates a missing topic. Raises TimeoutError or ConnectionError."""
    connection = connection_settings(settings)
    if settings.demo:
        await _create_topic(connection, settings.kafka_topic)
    producer = AIOKafkaProducer(
        **connection,
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        linger_ms=5,
        max_batch_size=256 * 1024,
        request_timeout_ms=int(START_SECONDS * 1000),
    )
    async with running(producer.client, producer.start, producer.stop, connection):
        yield KafkaBroker(producer, settings.kafka_topic)


async def _create_topic(connection: dict[str, Any], topic: str) -> None:
    admin = AIOKafkaAdminClient(**connection)
    client = admin._client  # noqa: SLF001 - the admin does not show its client
    async with running(client, admin.start, admin.close, connection), asyncio.timeout(START_SECONDS):
        if topic not in await admin.list_topics():
            await admin.create_topics([NewTopic(topic, _DEMO_PARTITIONS, 1)])


async def consume(settings: Settings, *, from_start: bool) -> AsyncGenerator[bytes]:
    """Values of the topic as they arrive, without end; ordered within a partition."""
    connection = connection_settings(settings)
    offset = "earliest" if from_start else "latest"
    consumer = AIOKafkaConsumer(settings.kafka_topic, **connection, auto_offset_reset=offset)
    client = consumer._client  # noqa: SLF001 - the consumer does not show its client
    async with running(client, consumer.start, consumer.stop, connection):
        async for record in consumer:
            yield record.value
