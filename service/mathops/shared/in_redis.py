"""What replicas share through Redis, each part behind a gate of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mathops.settings import Settings
from mathops.shared.cache_redis import NearCache, RedisCache
from mathops.shared.circuit_breaker import Gate
from mathops.shared.in_memory import Shared
from mathops.shared.rate_limits import SharedLimiter, WindowLimiter, policies
from mathops.shared.redis_client import connected, reason, redis_storage
from mathops.shared.revocations_redis import RedisRevocations
from mathops.telemetry import metrics

# Cache and quotas must be faster than what they save; revocation has no such choice.
_SLOW_SECONDS = 0.02


@asynccontextmanager
async def through_redis(settings: Settings, own: Shared) -> AsyncIterator[Shared]:
    """The parts in Redis, with `own` in front of them or in their stead."""
    seconds = settings.redis_timeout_seconds
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connected(settings.redis_url, seconds))

        def gate(name: str, errors: Any, slow: float | None = None) -> Gate:
            made = Gate(name, redis.ping, reason, errors, seconds=seconds, slow=slow)
            stack.push_async_callback(made.close)
            return made

        cache = gate("cache", metrics.CACHE_ERRORS, _SLOW_SECONDS)
        limiter = gate("limiter", metrics.LIMITER_ERRORS, _SLOW_SECONDS)
        helpers = {"cache": cache.state, "limiter": limiter.state}
        revocations = None
        if own.revocations is not None:
            revocation = gate("revocation", metrics.REVOCATION_ERRORS)
            revocations = RedisRevocations(redis, revocation, closed=settings.revocation == "closed")
            helpers["revocation"] = revocation.state
        far = RedisCache(redis, cache, settings.cache_ttl_seconds, settings.cache_value_bytes)
        windows = WindowLimiter(policies(settings), redis_storage(redis))
        yield Shared(NearCache(own.cache, far), SharedLimiter(windows, own.limiter, limiter), revocations, helpers)
