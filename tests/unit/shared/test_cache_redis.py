from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from mathops.shared.cache_memory import MemoryCache
from mathops.shared.cache_redis import RedisCache, TieredCache
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.redis_client import reason
from mathops.telemetry import metrics
from tests.support.fakes import FakeCache

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def cache(server: FakeServer) -> AsyncIterator[RedisCache]:
    redis = FakeAsyncRedis(server=server)
    breaker = CircuitBreaker("cache", redis.ping, reason, metrics.CACHE_ERRORS, seconds=1)
    yield RedisCache(redis, breaker, ttl=60, value_size=100)
    await breaker.close()
    await redis.aclose()


def errors(reason: str) -> float:
    return metrics.CACHE_ERRORS.labels(reason)._value.get()


async def test_a_text_is_kept_for_the_time_to_live(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("mathops:1:pow:2:5", b"32")

    assert await cache.get("mathops:1:pow:2:5") == b"32"
    assert 0 < await FakeAsyncRedis(server=server).pttl("mathops:1:pow:2:5") <= 60_000


async def test_a_text_over_the_size_limit_is_not_kept(cache: RedisCache) -> None:
    await cache.set("key", b"1" * 101)

    assert await cache.get("key") is None


@pytest.mark.parametrize("value", [b"", b"32", b"rubbish" * 5], ids=repr)
async def test_what_the_cache_did_not_write_is_a_miss_and_counted(
    cache: RedisCache, server: FakeServer, value: bytes
) -> None:
    before = errors("garbage")
    await FakeAsyncRedis(server=server).set("key", value)

    assert await cache.get("key") is None
    assert errors("garbage") == before + 1


async def test_the_value_of_another_key_is_a_miss(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("one", b"1")
    redis = FakeAsyncRedis(server=server)
    await redis.rename("one", "two")

    assert await cache.get("two") is None


async def test_a_changed_digit_is_a_miss(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("key", b"123")
    redis = FakeAsyncRedis(server=server)
    value = await redis.get("key")
    await redis.set("key", value[:-1] + b"4")

    assert await cache.get("key") is None


async def test_without_a_server_every_look_up_is_a_miss_and_counted(cache: RedisCache, server: FakeServer) -> None:
    server.connected = False
    before = errors("connection")

    await cache.set("key", b"1")

    assert await cache.get("key") is None
    assert errors("connection") == before + 2


async def test_the_near_cache_answers_first_and_learns_from_the_far_one() -> None:
    near, far = MemoryCache(60, 1000, 100), FakeCache()
    cache = TieredCache(near, far)
    await far.set("key", b"1")

    assert await cache.get("key") == b"1"
    far.entries.clear()
    assert await cache.get("key") == b"1"


async def test_the_near_cache_keeps_what_is_set_in_both() -> None:
    near, far = FakeCache(), FakeCache()

    await TieredCache(near, far).set("key", b"1")

    assert near.entries == far.entries == {"key": b"1"}
