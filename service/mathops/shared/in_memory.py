"""What replicas would share, for a process that is alone."""

from collections.abc import Callable
from typing import NamedTuple

from mathops.ports import Cache, Limiter, Revocations
from mathops.settings import Settings
from mathops.shared.cache_memory import MemoryCache
from mathops.shared.rate_limits import WindowLimiter, policies
from mathops.shared.revocations_memory import MemoryRevocations


class Shared(NamedTuple):
    """What replicas share through Redis, and a process has alone without it; `helpers` tell how that is."""

    cache: Cache
    limiter: Limiter
    revocations: Revocations | None
    helpers: dict[str, Callable[[], str]]


def in_process(settings: Settings) -> Shared:
    """Cache, quotas and revoked tokens of this process."""
    cache = MemoryCache(settings.cache_ttl_seconds, settings.cache_bytes, settings.cache_value_bytes)
    revocations = MemoryRevocations() if settings.revocation != "off" else None
    return Shared(cache, WindowLimiter(policies(settings)), revocations, {})
