"""Results in Redis, shared by all replicas; while it is away every look-up is a miss."""

from hashlib import blake2b

from redis.asyncio import Redis

from mathops.ports import Cache
from mathops.shared.circuit_breaker import CircuitBreaker, CorruptReply, DependencyUnavailable

_CHECKSUM_BYTES = 8


def _checksum(key: str, text: bytes) -> bytes:
    return blake2b(text, key=blake2b(key.encode()).digest(), digest_size=_CHECKSUM_BYTES).digest()


class RedisCache:
    """Keeps texts for `ttl` seconds, none over `value_size` bytes.

    Each is sealed together with its key: bytes that changed on the way, and the answer to
    another question, are found out.
    """

    def __init__(self, redis: Redis, breaker: CircuitBreaker, ttl: float, value_size: int) -> None:
        self._redis = redis
        self._breaker = breaker
        self._milliseconds = max(1, int(ttl * 1000))
        self._value_size = value_size

    async def get(self, key: str) -> bytes | None:
        """The stored text, or None."""
        try:
            return await self._breaker.call(lambda: self._get(key))
        except DependencyUnavailable:
            return None

    async def _get(self, key: str) -> bytes | None:
        value = await self._redis.get(key)
        if value is None:
            return None
        if not isinstance(value, bytes) or value[:_CHECKSUM_BYTES] != _checksum(key, value[_CHECKSUM_BYTES:]):
            raise CorruptReply("a value whose seal does not match")
        return value[_CHECKSUM_BYTES:]

    async def set(self, key: str, text: bytes) -> None:
        """Keep `text`, unless it is too long."""
        if len(text) > self._value_size:
            return
        try:
            await self._breaker.call(lambda: self._redis.set(key, _checksum(key, text) + text, px=self._milliseconds))
        except DependencyUnavailable:
            return


class TieredCache:
    """A `near` cache in front of a `far` one: what is near costs no round trip, and stays when the far is away."""

    def __init__(self, near: Cache, far: Cache) -> None:
        self._local = near
        self._remote = far

    async def get(self, key: str) -> bytes | None:
        """The text from the nearest that has it."""
        text = await self._local.get(key)
        if text is None:
            text = await self._remote.get(key)
            if text is not None:
                await self._local.set(key, text)
        return text

    async def set(self, key: str, text: bytes) -> None:
        """Keep `text` in both."""
        await self._local.set(key, text)
        await self._remote.set(key, text)
