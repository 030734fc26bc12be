"""Revoked tokens by their `jti`: none, in process memory, or in Redis."""

import heapq
import time
from typing import TYPE_CHECKING

from mathops.errors import NotFound, RevocationUnavailable
from mathops.shared.circuit_breaker import CircuitBreaker, DependencyUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

_PREFIX = "mathops:1:revoked:"


class NoRevocations:
    """Revocation is off: tokens are valid until they expire."""

    async def revoke(self, token_id: str, until: int) -> None:
        raise NotFound("token revocation is off; MATHOPS_REVOCATION enables it")

    async def revoked(self, token_id: str) -> bool:
        return False


class MemoryRevocations:
    """Revoked tokens of this process; an entry is deleted after the token has expired."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._by_expiry: list[tuple[int, str]] = []

    async def revoke(self, token_id: str, until: int) -> None:
        now = time.time()
        while self._by_expiry and self._by_expiry[0][0] < now:
            self._until.pop(heapq.heappop(self._by_expiry)[1], None)
        if token_id not in self._until:
            self._until[token_id] = until
            heapq.heappush(self._by_expiry, (until, token_id))

    async def revoked(self, token_id: str) -> bool:
        return token_id in self._until


class RedisRevocations:
    """Revoked tokens of all replicas, read from Redis on each request.

    If Redis fails, `closed` rejects every token and open accepts all but those revoked by this process.
    """

    def __init__(self, redis: "Redis", breaker: CircuitBreaker, closed: bool) -> None:
        self._redis = redis
        self._breaker = breaker
        self._closed = closed
        self._local = MemoryRevocations()

    async def revoke(self, token_id: str, until: int) -> None:
        await self._local.revoke(token_id, until)
        try:
            await self._breaker.call(lambda: self._redis.set(_PREFIX + token_id, b"1", exat=until))
        except DependencyUnavailable:
            raise _unavailable() from None

    async def revoked(self, token_id: str) -> bool:
        if await self._local.revoked(token_id):
            return True
        try:
            return bool(await self._breaker.call(lambda: self._redis.exists(_PREFIX + token_id)))
        except DependencyUnavailable:
            if self._closed:
                raise _unavailable() from None
            return False


def _unavailable() -> RevocationUnavailable:
    return RevocationUnavailable("token revocation is temporarily unavailable; retry the request")
