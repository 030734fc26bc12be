"""Real Redis, Kafka, PostgreSQL and Jaeger in containers, once for all tests, and proxies in front of them."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.integration.services import postgres, redis
from tests.integration.services.certificates import Trust
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.support.proxy import FaultProxy


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="session")
def redis_container(trust: Trust) -> Iterator[Container]:
    container = redis.start(trust.authority)
    yield container
    container.remove()


@pytest.fixture(name="redis")
def command_redis(redis_container: Container) -> Callable[..., str]:
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
def kafka_container(trust: Trust) -> Iterator[Kafka]:
    kafka = Kafka(trust.authority)
    yield kafka
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
def postgres_container(trust: Trust) -> Iterator[Container]:
    container = postgres.start(trust.authority)
    yield container
    container.remove()
