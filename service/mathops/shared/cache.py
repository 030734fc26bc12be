"""Result caches: in process memory, and in Redis behind one in process memory."""

from contextlib import suppress
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING

from cachetools import TTLCache

from mathops.ports import Cache
from mathops.shared.circuit_breaker import CircuitBreaker, DependencyUnavailable

if TYPE_CHECKING:
    from mathops.shared.redis_batches import RedisBatches

# Memory of an entry beyond its key and its text.
_ENTRY_BYTES = 700
_CHECKSUM_BYTES = 8


class MemoryCache:
    """LRU cache of `size` bytes. Entries expire after `ttl` seconds; texts over `value_size` are not stored."""

    def __init__(self, ttl: float, size: int, value_size: int) -> None:
        # Each text is stored with the size of its entry.
        self._entries: TTLCache[str, tuple[bytes, int]] = TTLCache(size, ttl, getsizeof=itemgetter(1))
        self._value_size = value_size

    async def get(self, key: str) -> bytes | None:
        # TTLCache.get does two look-ups and reads the clock in each.
        try:
            return self._entries[key][0]
        except KeyError:
            return None

    async def set(self, key: str, text: bytes) -> None:
        size = len(key) + len(text) + _ENTRY_BYTES
        if len(text) <= self._value_size and size <= self._entries.maxsize:
            self._entries[key] = text, size


def _checksum(key: str, text: bytes) -> bytes:
    return blake2b(text, key=blake2b(key.encode()).digest(), digest_size=_CHECKSUM_BYTES).digest()


class RedisCache:
    """Cache shared by all replicas, behind a `local` one that needs no round trip and works if Redis fails.

    A checksum over key and text detects altered values and values stored under another key.
    """

    def __init__(
        self, redis: "RedisBatches", breaker: CircuitBreaker, local: Cache, ttl: float, value_size: int
    ) -> None:
        self._redis = redis
        self._breaker = breaker
        self._local = local
        self._milliseconds = max(1, int(ttl * 1000))
        self._value_size = value_size

    async def get(self, key: str) -> bytes | None:
        if (text := await self._local.get(key)) is not None:
            return text
        with suppress(DependencyUnavailable):
            text = await self._breaker.call(lambda: self._get(key))
        if text is not None:
            await self._local.set(key, text)
        return text

    async def _get(self, key: str) -> bytes | None:
        value = await self._redis.execute("GET", key)
        if value is None:
            return None
        if not isinstance(value, bytes) or value[:_CHECKSUM_BYTES] != _checksum(key, value[_CHECKSUM_BYTES:]):
            raise ValueError("checksum mismatch")
        return value[_CHECKSUM_BYTES:]

    async def set(self, key: str, text: bytes) -> None:
        await self._local.set(key, text)
        if len(text) <= self._value_size:
            value = _checksum(key, text) + text
            with suppress(DependencyUnavailable):
                await self._breaker.call(lambda: self._redis.execute("SET", key, value, "PX", self._milliseconds))
