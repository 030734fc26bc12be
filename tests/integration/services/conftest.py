"""Real Redis, Kafka, PostgreSQL and Jaeger in containers, once for all tests, and proxies in front of them."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.integration.services.containers import POSTGRES, REDIS, Container
from tests.integration.services.kafka import Kafka
from tests.integration.services.postgres import PASSWORD
from tests.process import free_port
from tests.proxy import FaultProxy


@pytest.fixture(scope="session")
def redis_container() -> Iterator[Container]:
    container = Container(REDIS, [6379], fixed={6379: free_port()})
    try:
        yield container.ready(lambda: container.run("redis-cli", "ping") == "PONG")
    finally:
        container.remove()


@pytest.fixture
def redis(redis_container: Container) -> Callable[..., str]:
    """A command to an empty Redis."""

    def command(*arguments: str) -> str:
        return redis_container.run("redis-cli", *arguments)

    command("flushall")
    command("config", "set", "maxmemory", "0")
    return command


@pytest.fixture
def redis_proxy(redis_container: Container, redis: Callable[..., str]) -> Iterator[FaultProxy]:
    with FaultProxy(("127.0.0.1", redis_container.port(6379))) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def kafka_container() -> Iterator[Kafka]:
    kafka = Kafka()
    try:
        yield kafka
    finally:
        kafka.remove()


@pytest.fixture
def kafka(kafka_container: Kafka) -> Iterator[Kafka]:
    """The broker, with nothing wrong; each test uses a topic of its own."""
    yield kafka_container
    kafka_container.proxy.set("pass")
    kafka_container.proxy.delay = 0


@pytest.fixture
def topic() -> str:
    return f"topic-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres_container() -> Iterator[Container]:
    container = Container(POSTGRES, [5432], environment={"POSTGRES_PASSWORD": PASSWORD})
    try:
        # It starts twice; only the second time it listens on TCP.
        yield container.ready(lambda: container.run("pg_isready", "-h", "127.0.0.1"))
    finally:
        container.remove()
