"""What replicas share through Redis, each part behind a breaker of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mathops.settings import Settings
from mathops.shared.cache_redis import RedisCache, TieredCache
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.in_memory import SharedState
from mathops.shared.rate_limits import SharedRateLimiter, WindowRateLimiter, policies
from mathops.shared.redis_client import connected, reason, redis_storage
from mathops.shared.revocations_redis import RedisRevocations
from mathops.telemetry import metrics

# Cache and quotas must be faster than what they save; revocation has no such choice.
_SLOW_SECONDS = 0.02


@asynccontextmanager
async def in_redis(settings: Settings, own: SharedState) -> AsyncIterator[SharedState]:
    """The parts in Redis, with `own` in front of them or in their stead."""
    seconds = settings.redis_timeout_seconds
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connected(settings.redis_url, seconds))

        def breaker(name: str, errors: Any, slow: float | None = None) -> CircuitBreaker:
            made = CircuitBreaker(name, redis.ping, reason, errors, seconds=seconds, slow=slow)
            stack.push_async_callback(made.close)
            return made

        cache = breaker("cache", metrics.CACHE_ERRORS, _SLOW_SECONDS)
        limits_breaker = breaker("rate_limits", metrics.RATE_LIMIT_ERRORS, _SLOW_SECONDS)
        dependencies = {"cache": cache.state, "rate_limits": limits_breaker.state}
        revocations = None
        if own.revocations is not None:
            revocation = breaker("revocation", metrics.REVOCATION_ERRORS)
            revocations = RedisRevocations(redis, revocation, closed=settings.revocation == "closed")
            dependencies["revocation"] = revocation.state
        far = RedisCache(redis, cache, settings.cache_ttl_seconds, settings.cache_value_bytes)
        windows = WindowRateLimiter(policies(settings), redis_storage(redis))
        yield SharedState(
            TieredCache(own.cache, far),
            SharedRateLimiter(windows, own.rate_limiter, limits_breaker),
            revocations,
            dependencies,
        )
