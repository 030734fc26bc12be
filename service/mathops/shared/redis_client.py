"""The connection to Redis: short time limits and no retries, for Redis only ever helps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from limits.aio.storage import RedisStorage
from limits.aio.storage.base import Storage
from redis import exceptions as faults
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, RedisSSLContext, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from mathops.errors import StartupError
from mathops.shared.circuit_breaker import CorruptReply

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
    (CorruptReply, "garbage"),
)


def reason(error: Exception) -> str:
    """What went wrong, in a word for a metric's label."""
    return next((name for kind, name in _REASONS if isinstance(error, kind)), "garbage")


class _Pool(BlockingConnectionPool):
    """Reads certificates once: to read them for each connection would hold up requests for milliseconds."""

    _tls: RedisSSLContext | None = None

    def make_connection(self) -> AbstractConnection:
        """A connection that is not yet connected."""
        connection: AbstractConnection = super().make_connection()  # type: ignore[no-untyped-call] # as redis-py has it
        if isinstance(connection, SSLConnection):
            self._tls = connection.ssl_context = self._tls or connection.ssl_context
        return connection

    def check(self) -> None:
        """Raise what a connection would for options that do not exist, and for files that cannot be read."""
        self.make_connection()
        if self._tls:
            self._tls.get()


def client(url: str, seconds: float) -> Redis:
    """A client that waits at most `seconds` for a connection, and for an answer; raises StartupError."""
    _check_places(url)
    try:
        pool = _Pool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=seconds,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            # Notices of a hosted Redis' own maintenance would stretch the time limits.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        pool.check()
    except (ValueError, TypeError, OSError, faults.RedisError) as error:
        raise StartupError(
            f"MATHOPS_REDIS_URL: write redis://user:password@host:6379/0 or rediss://…: {error}"
        ) from None
    return Redis.from_pool(pool)


def _check_places(url: str) -> None:
    """Refuse a password that would be taken for something else, quoting nothing of it."""
    try:
        parts = urlsplit(url)
        misread = parts.port == 0 or "@" in parts.path + parts.query + parts.fragment
    except ValueError:
        misread = True
    if misread:
        raise StartupError(
            "MATHOPS_REDIS_URL: write redis://user:password@host:6379/0 or rediss://…, "
            "with / # ? @ in the password as %2F %23 %3F %40"
        )


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
