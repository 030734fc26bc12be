"""Kafka, asked within time limits: aiokafka's own calls may wait for ever while a broker is away."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn

from mathops.events import tls
from mathops.ports import Message, MessageRejected
from mathops.settings import Settings

# Who asks says what is wrong, once; the library would at each attempt, with a stack.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

START_SECONDS = 10.0
STOP_SECONDS = 3.0
SEND_SECONDS = 20.0
_PARTITIONS = 3

# The broker refuses this one message, and would each time.
REFUSALS = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTimestampError,
    errors.UnsupportedForMessageFormatError,
    errors.PolicyViolationError,
)


class KafkaBroker:
    """A producer; after any error it is of no more use."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def publish(self, messages: Sequence[Message]) -> None:
        """Send all and wait until every in-sync replica has them."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                sent = [
                    await self._producer.send(self._topic, message.value, message.key, headers=message.headers)
                    for message in messages
                ]
                await asyncio.gather(*sent)
        except REFUSALS as error:
            raise MessageRejected(str(error) or type(error).__name__) from error


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[KafkaBroker]:
    """A producer of the settings' topic; in the demo the topic is made where it is missing."""
    connection = connection_settings(settings)
    if settings.demo:
        await _make_topic(connection, settings.kafka_topic)
    producer = AIOKafkaProducer(
        **connection,
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        linger_ms=5,
        max_batch_size=256 * 1024,
        request_timeout_ms=int(START_SECONDS * 1000),
    )
    try:
        async with _reaching(connection):
            await producer.start()
        yield KafkaBroker(producer, settings.kafka_topic)
    finally:
        await _bounded_stop(producer.stop())


@asynccontextmanager
async def _reaching(connection: dict[str, Any]) -> AsyncIterator[None]:
    """Bounds a start, and gives the reason when it fails: aiokafka tells that to its log alone."""
    try:
        async with asyncio.timeout(START_SECONDS):
            yield
    except TimeoutError:
        raise TimeoutError(f"no answer within {START_SECONDS:g} s") from None
    except errors.KafkaConnectionError as error:
        raise ConnectionError(await _faults(connection) or str(error)) from error


async def _faults(connection: dict[str, Any]) -> str:
    """What each broker says to a connection."""
    others = {name: value for name, value in connection.items() if name != "bootstrap_servers"}
    faults = []
    for host, port, _ in collect_hosts(connection["bootstrap_servers"]):
        try:
            async with asyncio.timeout(STOP_SECONDS):
                (await create_conn(host, port, **others)).close()
        except Exception as error:  # whatever it is, it is the reason
            faults.append(f"{host}:{port}: {error or type(error).__name__}")
    return "; ".join(faults)


async def _bounded_stop(stop: Any) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await stop
    except Exception:  # noqa: S110 - what cannot say farewell ends with its event loop
        pass


async def _make_topic(connection: dict[str, Any], topic: str) -> None:
    admin = AIOKafkaAdminClient(**connection)
    try:
        async with _reaching(connection):
            await admin.start()
            if topic not in await admin.list_topics():
                await admin.create_topics([NewTopic(topic, _PARTITIONS, 1)])
    finally:
        await _bounded_stop(admin.close())


def connection_settings(settings: Settings) -> dict[str, Any]:
    """Aiokafka's arguments for reaching the brokers."""
    values: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.kafka_brokers.split(",")],
        "client_id": "mathops",
        "security_protocol": settings.kafka_security.upper(),
    }
    if settings.kafka_security.startswith("sasl"):
        values["sasl_mechanism"] = settings.kafka_sasl_mechanism
        values["sasl_plain_username"] = settings.kafka_username
        values["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_tls:
        values["ssl_context"] = tls.kafka_context(settings)
    return values


async def values(settings: Settings, *, from_start: bool) -> AsyncGenerator[bytes]:
    """The topic's values as they come, for ever; of one partition in order."""
    connection = connection_settings(settings)
    offset = "earliest" if from_start else "latest"
    consumer = AIOKafkaConsumer(settings.kafka_topic, **connection, auto_offset_reset=offset)
    try:
        async with _reaching(connection):
            await consumer.start()
        async for record in consumer:
            yield record.value
    finally:
        await _bounded_stop(consumer.stop())
