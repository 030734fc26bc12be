"""Revoked tokens by their `jti`: none, in process memory, or in Redis."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from cachetools import TLRUCache

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
        # Each entry is the expiry of its token.
        self._revoked: TLRUCache[str, int] = TLRUCache(math.inf, ttu=lambda _, until, now: until, timer=time.time)

    async def revoke(self, token_id: str, until: int) -> None:
        self._revoked[token_id] = until

    async def revoked(self, token_id: str) -> bool:
        return token_id in self._revoked


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
        await self._call(lambda: self._redis.set(_PREFIX + token_id, b"1", exat=until))

    async def revoked(self, token_id: str) -> bool:
        if await self._local.revoked(token_id):
            return True
        try:
            return bool(await self._call(lambda: self._redis.exists(_PREFIX + token_id)))
        except RevocationUnavailable:
            if self._closed:
                raise
            return False

    async def _call(self, request: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await self._breaker.call(request)
        except DependencyUnavailable:
            raise RevocationUnavailable("token revocation is temporarily unavailable; retry the request") from None
