"""The contract suites of the ports, run against Redis, PostgreSQL and Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from uuid import uuid4

import pytest

from mathops.events.kafka import open_broker
from mathops.journal.database import schema
from mathops.journal.database.engine import database_of
from mathops.journal.revocations import DatabaseRevocations
from mathops.ports import Broker, Cache, Journal, Message, RateLimiter, Revocations
from mathops.settings import Settings
from mathops.shared.shared_state import open_shared
from tests.contracts import test_broker, test_cache, test_journal, test_outbox, test_rate_limiter, test_revocations
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.integration.services.postgres import database_url
from tests.support.journal import running_journal

pytestmark = pytest.mark.anyio


def _url(container: Container) -> str:
    return f"redis://127.0.0.1:{container.port(6379)}/0"


class TestRedisCache:
    @pytest.fixture
    async def cache(self, redis_container: Container, redis: object) -> AsyncIterator[Cache]:
        settings = Settings(
            redis_url=_url(redis_container), redis_timeout_seconds=1, cache_value_bytes=test_cache.VALUE_SIZE
        )
        async with open_shared(settings) as shared:
            yield shared.cache


class TestRedisRateLimiter:
    @pytest.fixture
    async def rate_limiter(self, redis_container: Container, redis: object) -> AsyncIterator[RateLimiter]:
        limits = test_rate_limiter.LIMITED.model_copy(
            update={"redis_url": _url(redis_container), "redis_timeout_seconds": 1.0}
        )
        async with open_shared(limits) as shared:
            yield shared.rate_limiter


class TestPostgresRevocations:
    @pytest.fixture
    async def revocations(self, postgres_container: Container) -> AsyncIterator[Revocations]:
        url = database_url(postgres_container, str(uuid4()))
        schema.upgrade(url)
        async with DatabaseRevocations(database_of(url)).running() as revocations:
            yield revocations


class TestPostgresJournal:
    @pytest.fixture
    def user(self) -> str:
        return str(uuid4())

    @pytest.fixture
    async def journal(self, postgres_container: Container, tmp_path: Path, user: str) -> AsyncIterator[Journal]:
        settings = Settings(data_dir=tmp_path, database_url=database_url(postgres_container, user))
        async with running_journal(settings) as (journal, _):
            yield journal


class KafkaBrokerCase:
    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        self._topic = kafka.make_topic(topic, configuration={"max.message.bytes": str(test_broker.MAX_BYTES)})

    def open(self) -> AbstractAsyncContextManager[Broker]:
        return open_broker(Settings(kafka_brokers=self._kafka.brokers, kafka_topic=self._topic))

    async def messages(self) -> list[Message]:
        events = await asyncio.to_thread(self._kafka.events, self._topic)
        return [Message(event.key, event.value, list(event.headers.items())) for event in events]

    def disconnect(self) -> None:
        self._kafka.proxy.set("refuse")
        self._kafka.proxy.cut()


class TestKafkaBroker:
    @pytest.fixture
    def case(self, kafka: Kafka, topic: str) -> KafkaBrokerCase:
        return KafkaBrokerCase(kafka, topic)


class TestPostgresOutbox:
    @pytest.fixture
    def journal(self, postgres_container: Container) -> Iterator[test_outbox.OutboxJournal]:
        with closing(test_outbox.OutboxJournal(database_url(postgres_container, str(uuid4())))) as journal:
            yield journal


def _add_tests(suite: type, contract: object) -> None:
    """Add the tests of a contract to a class, which provides the fixtures."""
    for name, test in vars(contract).items():
        if name.startswith("test_"):
            setattr(suite, name, staticmethod(test))


for suite, contract in (
    (TestRedisCache, test_cache),
    (TestRedisRateLimiter, test_rate_limiter),
    (TestPostgresRevocations, test_revocations),
    (TestPostgresJournal, test_journal),
    (TestKafkaBroker, test_broker),
    (TestPostgresOutbox, test_outbox),
):
    _add_tests(suite, contract)
