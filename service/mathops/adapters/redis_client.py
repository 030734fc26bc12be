"""The connection to Redis: short time limits and no retries, for Redis only ever helps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from limits.aio.storage import RedisStorage
from limits.aio.storage.base import Storage
from redis import exceptions as faults
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from mathops.adapters.gate import Garbage
from mathops.errors import StartupError

_CONNECTIONS = 32

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (faults.TimeoutError, "timeout"),
    (faults.AuthenticationError, "refused"),
    (faults.AuthorizationError, "refused"),
    (faults.OutOfMemoryError, "full"),
    (faults.ResponseError, "refused"),
    (faults.ConnectionError, "connection"),
    (OSError, "connection"),
    (Garbage, "garbage"),
)


def reason(error: Exception) -> str:
    """What went wrong, in a word for a metric's label."""
    return next((name for kind, name in _REASONS if isinstance(error, kind)), "garbage")


def client(url: str, seconds: float) -> Redis:
    """A client that waits at most `seconds` for a connection, and for an answer; raises StartupError."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=seconds,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            # Notices of a hosted Redis' own maintenance would stretch the time limits.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
    except (ValueError, TypeError):
        # The parser's own words may quote a part of the password.
        raise StartupError(
            "MATHOPS_REDIS_URL: write redis://user:password@host:6379/0 or rediss://…, "
            "with / # ? @ in the password as %2F %23 %3F %40"
        ) from None
    return Redis.from_pool(pool)


@asynccontextmanager
async def connected(url: str, seconds: float) -> AsyncIterator[Redis]:
    """A client, closed on the way out."""
    redis = client(url, seconds)
    try:
        yield redis
    finally:
        await redis.aclose()


def redis_storage(redis: Redis) -> Storage:
    """Windows kept in Redis."""
    pool: Any = redis.connection_pool
    # The address only tells which client to use: the pool has its own.
    address = "async+redis://localhost:6379"
    return RedisStorage(address, implementation="redispy", key_prefix="mathops:1:limit", connection_pool=pool)
