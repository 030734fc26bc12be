"""Opens the cache and the rate limits: in process memory, or in Redis with memory as the fallback."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from mathops.ports import Cache, RateLimiter
from mathops.settings import Settings
from mathops.shared.cache import MemoryCache, RedisCache
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.rate_limits import FallbackRateLimiter, MemoryWindows, WindowRateLimiter, policies
from mathops.telemetry import metrics
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

# A slower cache or rate limiter costs more time than it saves.
_SLOW_SECONDS = 0.02


class SharedState(NamedTuple):
    """State of one replica or, in Redis, of all; `dependencies` holds each circuit breaker's state for /readyz."""

    cache: Cache
    rate_limiter: RateLimiter
    dependencies: dict[str, Callable[[], str]]


@asynccontextmanager
async def open_shared(settings: Settings, tracing: AnyTracing = NO_TRACING) -> AsyncIterator[SharedState]:
    """Raises StartupError for an invalid quota or Redis URL."""
    local = SharedState(
        MemoryCache(settings.cache_ttl_seconds, settings.cache_bytes, settings.cache_value_bytes),
        WindowRateLimiter(policies(settings), MemoryWindows()),
        {},
    )
    async with AsyncExitStack() as stack:
        yield _open_redis(settings, local, tracing, stack) if settings.redis_url else local


def _open_redis(settings: Settings, local: SharedState, tracing: AnyTracing, stack: AsyncExitStack) -> SharedState:
    # Importing redis takes half a second.
    from mathops.shared.redis_batches import RedisBatches
    from mathops.shared.redis_client import client, probe, reason
    from mathops.shared.redis_rate_limits import RedisWindows

    seconds = settings.redis_timeout_seconds
    redis = client(settings.redis_url, seconds)
    stack.push_async_callback(redis.aclose)
    batches = RedisBatches(redis, seconds)
    stack.push_async_callback(batches.close)
    dependencies = {}

    def breaker(name: str, errors: Any) -> CircuitBreaker:
        pool: Any = redis.connection_pool
        created = CircuitBreaker(
            name,
            partial(probe, redis),
            reason,
            errors,
            timeout_seconds=seconds,
            slow_seconds=_SLOW_SECONDS,
            reset=pool.forget_server,
            tracing=tracing,
        )
        stack.push_async_callback(created.close)
        dependencies[name] = created.state
        return created

    cache_breaker = breaker("cache", metrics.CACHE_ERRORS)
    limits_breaker = breaker("rate_limits", metrics.RATE_LIMIT_ERRORS)
    windows = WindowRateLimiter(policies(settings), RedisWindows(batches))
    return SharedState(
        RedisCache(batches, cache_breaker, local.cache, settings.cache_ttl_seconds, settings.cache_value_bytes),
        FallbackRateLimiter(windows, local.rate_limiter, limits_breaker),
        dependencies,
    )
