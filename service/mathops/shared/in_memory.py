"""What replicas would share, for a process that is alone."""

from collections.abc import Callable
from typing import NamedTuple

from mathops.ports import Cache, RateLimiter, Revocations
from mathops.settings import Settings
from mathops.shared.cache_memory import MemoryCache
from mathops.shared.rate_limits import WindowRateLimiter, policies
from mathops.shared.revocations_memory import MemoryRevocations


class SharedState(NamedTuple):
    """What replicas share through Redis, and a process has alone without it; `dependencies` tell how that is."""

    cache: Cache
    rate_limiter: RateLimiter
    revocations: Revocations | None
    dependencies: dict[str, Callable[[], str]]


def in_memory(settings: Settings) -> SharedState:
    """Cache, quotas and revoked tokens of this process."""
    cache = MemoryCache(settings.cache_ttl_seconds, settings.cache_bytes, settings.cache_value_bytes)
    revocations = MemoryRevocations() if settings.revocation != "off" else None
    return SharedState(cache, WindowRateLimiter(policies(settings)), revocations, {})
