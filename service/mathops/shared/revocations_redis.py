"""Tokens that were ended before their time, by their `jti`, in Redis for all replicas."""

from redis.asyncio import Redis

from mathops.errors import RevocationUnavailable
from mathops.shared.circuit_breaker import CircuitBreaker, DependencyUnavailable
from mathops.shared.revocations_memory import MemoryRevocations

_PREFIX = "mathops:1:revoked:"


def _unavailable() -> RevocationUnavailable:
    return RevocationUnavailable(
        "whether the token has been revoked cannot be told just now; send the request again",
        headers={"Retry-After": "1"},
    )


class RedisRevocations:
    """Asks Redis once a request; `closed` tells whether tokens are refused while it is away."""

    def __init__(self, redis: Redis, breaker: CircuitBreaker, closed: bool) -> None:
        self._redis = redis
        self._breaker = breaker
        self._closed = closed
        # What was revoked here stays revoked here, whatever becomes of Redis.
        self._own = MemoryRevocations()

    async def revoke(self, token_id: str, until: int) -> None:
        """Refuse the token from now on; raises RevocationUnavailable when the other replicas cannot be told."""
        await self._own.revoke(token_id, until)
        try:
            await self._breaker.call(lambda: self._redis.set(_PREFIX + token_id, b"1", exat=until))
        except DependencyUnavailable:
            raise _unavailable() from None

    async def revoked(self, token_id: str) -> bool:
        """Whether the token was revoked; raises RevocationUnavailable when that cannot be told and must be."""
        if await self._own.revoked(token_id):
            return True
        try:
            return bool(await self._breaker.call(lambda: self._redis.exists(_PREFIX + token_id)))
        except DependencyUnavailable:
            if self._closed:
                raise _unavailable() from None
            return False
