"""What replicas share: cache, quotas, revoked tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mathops.settings import Settings
from mathops.shared.in_memory import Shared, in_process


@asynccontextmanager
async def open_shared(settings: Settings) -> AsyncIterator[Shared]:
    """Through Redis where the settings name one; raises StartupError."""
    own = in_process(settings)
    if not settings.redis_url:
        yield own
        return
    # The client is half a second of imports, which a service without Redis need not pay.
    from mathops.shared.in_redis import through_redis

    async with through_redis(settings, own) as shared:
        yield shared
