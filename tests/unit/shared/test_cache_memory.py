import pytest

from mathops.shared.cache_memory import MemoryCache
from tests.support.child_processes import until

pytestmark = pytest.mark.anyio


async def kept(cache: MemoryCache, keys: list[str]) -> list[str]:
    return [key for key in keys if await cache.get(key) is not None]


async def test_a_text_is_dropped_at_its_age() -> None:
    cache = MemoryCache(ttl=0.05, size=10_000, value_size=100)

    await cache.set("key", b"1")

    assert await cache.get("key") == b"1"
    await until(lambda: not cache._entries.currsize)


async def test_the_one_used_least_recently_goes_first_when_it_is_full() -> None:
    cache = MemoryCache(ttl=60, size=5000, value_size=1000)
    for key in ("first", "second", "third"):
        await cache.set(key, b"1" * 900)
        await cache.get("first")

    await cache.set("fourth", b"1" * 900)

    assert await kept(cache, ["first", "second", "third", "fourth"]) == ["first", "third", "fourth"]


async def test_small_texts_and_long_keys_count_with_all_they_take() -> None:
    cache = MemoryCache(ttl=60, size=100_000, value_size=1000)

    for number in range(1000):
        await cache.set(f"{number:04000}", b"1")

    assert len(cache._entries) * 4000 < 100_000


async def test_a_cache_without_room_keeps_nothing_and_fails_nowhere() -> None:
    cache = MemoryCache(ttl=60, size=0, value_size=1000)

    await cache.set("key", b"1")

    assert await cache.get("key") is None
