"""What replicas share: cache, quotas, revoked tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from mathops.adapters.cache_memory import MemoryCache
from mathops.adapters.limiter import WindowLimiter, policies
from mathops.adapters.revocations_memory import MemoryRevocations
from mathops.ports import Cache, Limiter, Revocations
from mathops.settings import Settings


class Shared(NamedTuple):
    """What replicas share through Redis, and a process has alone without it; `helpers` tell how that is."""

    cache: Cache
    limiter: Limiter
    revocations: Revocations | None
    helpers: dict[str, Callable[[], str]]


@asynccontextmanager
async def open_shared(settings: Settings) -> AsyncIterator[Shared]:
    """Through Redis where the settings name one; raises StartupError."""
    cache = MemoryCache(settings.cache_ttl_seconds, settings.cache_bytes, settings.cache_value_bytes)
    revocations = MemoryRevocations() if settings.revocation != "off" else None
    own = Shared(cache, WindowLimiter(policies(settings)), revocations, {})
    if not settings.redis_url:
        yield own
        return
    # The client is half a second of imports, which a service without Redis need not pay.
    from mathops.adapters.shared_redis import through_redis

    async with through_redis(settings, own) as shared:
        yield shared
