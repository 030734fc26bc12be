"""What replicas share: cache, quotas, revoked tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mathops.settings import Settings
from mathops.shared.in_memory import SharedState, in_memory


@asynccontextmanager
async def open_shared(settings: Settings) -> AsyncIterator[SharedState]:
    """Through Redis where the settings name one; raises StartupError."""
    own = in_memory(settings)
    if not settings.redis_url:
        yield own
        return
    # The client is half a second of imports, which a service without Redis need not pay.
    from mathops.shared.in_redis import in_redis

    async with in_redis(settings, own) as shared:
        yield shared
