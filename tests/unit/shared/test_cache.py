from collections.abc import AsyncIterator

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from prometheus_client import REGISTRY

from mathops.shared.cache import MemoryCache, RedisCache
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.redis_batches import RedisBatches
from mathops.shared.redis_client import reason
from mathops.telemetry import metrics
from tests.support.child_processes import until
from tests.support.fakes import FakeCache

pytestmark = pytest.mark.anyio


async def kept(cache: MemoryCache, keys: list[str]) -> list[str]:
    return [key for key in keys if await cache.get(key) is not None]


async def test_a_text_expires_after_the_time_to_live() -> None:
    cache = MemoryCache(ttl=0.05, size=10_000, value_size=100)

    await cache.set("key", b"1")

    assert await cache.get("key") == b"1"
    await until(lambda: not cache._entries.currsize)


async def test_a_full_cache_evicts_the_least_recently_used_entry() -> None:
    cache = MemoryCache(ttl=60, size=5000, value_size=1000)
    for key in ("first", "second", "third"):
        await cache.set(key, b"1" * 900)
        await cache.get("first")

    await cache.set("fourth", b"1" * 900)

    assert await kept(cache, ["first", "second", "third", "fourth"]) == ["first", "third", "fourth"]


async def test_keys_and_overhead_count_towards_the_size() -> None:
    cache = MemoryCache(ttl=60, size=100_000, value_size=1000)

    for number in range(1000):
        await cache.set(f"{number:04000}", b"1")

    assert len(cache._entries) * 4000 < 100_000


async def test_a_cache_of_size_zero_stores_nothing() -> None:
    cache = MemoryCache(ttl=60, size=0, value_size=1000)

    await cache.set("key", b"1")

    assert await cache.get("key") is None


@pytest.fixture
async def breaker(server: FakeServer) -> AsyncIterator[CircuitBreaker]:
    redis = FakeAsyncRedis(server=server)
    breaker = CircuitBreaker("cache", redis.ping, reason, metrics.CACHE_ERRORS, timeout_seconds=1)
    yield breaker
    await breaker.close()
    await redis.aclose()


@pytest.fixture
async def cache(server: FakeServer, breaker: CircuitBreaker) -> AsyncIterator[RedisCache]:
    redis = FakeAsyncRedis(server=server)
    # A local cache of size zero stores nothing, so that every look-up reaches Redis.
    yield RedisCache(RedisBatches(redis, 1.0), breaker, MemoryCache(60, 0, 0), ttl=60, value_size=100)
    await redis.aclose()


def errors(reason: str) -> float:
    return REGISTRY.get_sample_value("mathops_cache_errors_total", {"reason": reason}) or 0


async def test_redis_stores_a_text_for_the_time_to_live(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("mathops:1:pow:2:5", b"32")

    assert await cache.get("mathops:1:pow:2:5") == b"32"
    assert 0 < await FakeAsyncRedis(server=server).pttl("mathops:1:pow:2:5") <= 60_000


@pytest.mark.parametrize("value", [b"", b"32", b"rubbish" * 5], ids=repr)
async def test_a_value_without_a_valid_checksum_is_a_miss_and_counted(
    cache: RedisCache, server: FakeServer, value: bytes
) -> None:
    before = errors("invalid_reply")
    await FakeAsyncRedis(server=server).set("key", value)

    assert await cache.get("key") is None
    assert errors("invalid_reply") == before + 1


async def test_the_value_of_another_key_is_a_miss(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("one", b"1")
    redis = FakeAsyncRedis(server=server)
    await redis.rename("one", "two")

    assert await cache.get("two") is None


async def test_a_changed_digit_is_a_miss(cache: RedisCache, server: FakeServer) -> None:
    await cache.set("key", b"123")
    redis = FakeAsyncRedis(server=server)
    value = await redis.get("key")
    assert isinstance(value, bytes)
    await redis.set("key", value[:-1] + b"4")

    assert await cache.get("key") is None


async def test_without_redis_every_look_up_is_a_miss_and_counted(cache: RedisCache, server: FakeServer) -> None:
    server.connected = False
    before = errors("connection")

    await cache.set("key", b"1")

    assert await cache.get("key") is None
    assert errors("connection") == before + 2


async def test_a_remote_hit_is_stored_locally(server: FakeServer, breaker: CircuitBreaker) -> None:
    redis = FakeAsyncRedis(server=server)
    await RedisCache(RedisBatches(redis, 1.0), breaker, MemoryCache(60, 0, 0), 60, 100).set("key", b"1")
    cache = RedisCache(RedisBatches(redis, 1.0), breaker, MemoryCache(60, 1000, 100), 60, 100)

    assert await cache.get("key") == b"1"
    await redis.flushall()
    assert await cache.get("key") == b"1"


async def test_set_writes_both_tiers(server: FakeServer, breaker: CircuitBreaker) -> None:
    local = FakeCache()

    await RedisCache(RedisBatches(FakeAsyncRedis(server=server), 1.0), breaker, local, 60, 100).set("key", b"1")

    assert local.entries == {"key": b"1"}
    assert (
        await RedisCache(RedisBatches(FakeAsyncRedis(server=server), 1.0), breaker, FakeCache(), 60, 100).get("key")
        == b"1"
    )
