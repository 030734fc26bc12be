"""Kafka through aiokafka, with a timeout on every call, because aiokafka may wait forever for an unreachable broker."""

import asyncio
import logging
import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.partitioner import DefaultPartitioner

from mathops.errors import StartupError
from mathops.ports import Message, MessageRejected
from mathops.settings import Settings

# Callers report each error once; aiokafka would log every attempt with a stack trace.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

_START_SECONDS = 10.0
_STOP_SECONDS = 3.0
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

Call = Callable[[], Awaitable[None]]

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
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                yield batch
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        yield batch

    async def check(self) -> None:
        client, cluster = self._producer.client, self._producer.client.cluster
        async with asyncio.timeout(_START_SECONDS):
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
    connection = _connection_settings(settings)
    if settings.demo:
        await _create_topic(connection, settings.kafka_topic)
    producer = AIOKafkaProducer(
        **connection,
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",
        linger_ms=5,
        max_batch_size=256 * 1024,
        request_timeout_ms=int(_START_SECONDS * 1000),
    )
    async with _running(producer.client, producer.start, producer.stop, connection):
        yield KafkaBroker(producer, settings.kafka_topic)


@asynccontextmanager
async def _running(client: Any, start: Call, stop: Call, connection: dict[str, Any]) -> AsyncIterator[None]:
    """Starts and stops the owner of `client`; a failure names the addresses, which aiokafka only writes to its log."""
    try:
        try:
            await asyncio.wait_for(start(), _START_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"no answer within {_START_SECONDS:g} s") from None
        yield
    except (TimeoutError, ConnectionError, errors.KafkaError) as error:
        if unreachable := await _connection_errors(client, connection):
            raise ConnectionError(unreachable) from error
        raise
    finally:
        with suppress(Exception):  # a client that cannot stop ends with its event loop
            await asyncio.wait_for(stop(), _STOP_SECONDS)


async def _connection_errors(client: Any, connection: dict[str, Any]) -> str:
    """The error of a connection to each broker of the cluster, or to each bootstrap server if no broker is known."""
    bootstrap = [(host, port) for host, port, _ in collect_hosts(connection["bootstrap_servers"])]
    addresses = [(broker.host, broker.port) for broker in client.cluster.brokers()] or bootstrap
    others = {name: value for name, value in connection.items() if name != "bootstrap_servers"}

    async def found(host: str, port: int) -> str | None:
        source = "" if (host, port) in bootstrap else " (advertised by a broker)"
        try:
            (await asyncio.wait_for(create_conn(host, port, **others), _STOP_SECONDS)).close()
        except TimeoutError:
            return f"{host}:{port}{source}: no answer within {_STOP_SECONDS:g} s"
        except Exception as error:  # any error is the reason
            return f"{host}:{port}{source}: {error or type(error).__name__}"
        return None

    return "; ".join(filter(None, await asyncio.gather(*[found(*address) for address in sorted(addresses)])))


async def _create_topic(connection: dict[str, Any], topic: str) -> None:
    admin = AIOKafkaAdminClient(**connection)
    client = admin._client  # noqa: SLF001 - the admin does not show its client
    async with _running(client, admin.start, admin.close, connection), asyncio.timeout(_START_SECONDS):
        if topic not in await admin.list_topics():
            await admin.create_topics([NewTopic(topic, _DEMO_PARTITIONS, 1)])


def _connection_settings(settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.kafka_brokers.split(",")],
        "client_id": "mathops",
        "security_protocol": settings.kafka_security.upper(),
        "ssl_context": kafka_ssl_context(settings),
    }
    if settings.kafka_security.startswith("sasl"):
        values["sasl_mechanism"] = settings.kafka_sasl_mechanism
        values["sasl_plain_username"] = settings.kafka_username
        values["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return values


def kafka_ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """Trusted authorities and client certificate; None without TLS. Raises StartupError for unusable files."""
    if not settings.kafka_tls:
        return None
    certificate = settings.kafka_certificate_file
    problem = f"MATHOPS_KAFKA_CA_FILE: cannot read certificates from {settings.kafka_ca_file}"
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if certificate:
            problem = (
                f"MATHOPS_KAFKA_CERTIFICATE_FILE: cannot use {certificate} with MATHOPS_KAFKA_KEY_FILE (unencrypted)"
            )
            # Without a password OpenSSL would prompt for that of an encrypted key.
            context.load_cert_chain(certificate, settings.kafka_key_file, password="")
    except OSError as error:
        raise StartupError(f"{problem}: {error}") from None
    return context


async def consume(settings: Settings, *, from_start: bool) -> AsyncGenerator[bytes]:
    """Values of the topic as they arrive, without end; ordered within a partition."""
    connection = _connection_settings(settings)
    offset = "earliest" if from_start else "latest"
    consumer = AIOKafkaConsumer(settings.kafka_topic, **connection, auto_offset_reset=offset)
    client = consumer._client  # noqa: SLF001 - the consumer does not show its client
    async with _running(client, consumer.start, consumer.stop, connection):
        async for record in consumer:
            yield record.value
