"""The Redis client: short timeouts and no retries, because Redis is optional."""

from contextlib import suppress
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, RedisSSLContext, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from mathops.errors import StartupError
from mathops.tls import STRICT

_MAX_CONNECTIONS = 32
_PROBE_KEY = "mathops:1:probe"
_URL_FORMAT = "MATHOPS_REDIS_URL: write redis://user:password@host:6379/0 or rediss://…"

# The first match counts: some of these classes are subclasses of later ones.
_REASONS: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (
    ("timeout", (TimeoutError, exceptions.TimeoutError)),
    ("full", (exceptions.OutOfMemoryError,)),
    ("error_reply", (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.ResponseError)),
    ("connection", (exceptions.ConnectionError, OSError)),
)


def reason(error: Exception) -> str:
    """The metric label of an exception."""
    return next((name for name, kinds in _REASONS if isinstance(error, kinds)), "invalid_reply")


class _Pool(BlockingConnectionPool):
    """Shares one TLS context, because reading the certificates blocks the event loop for milliseconds."""

    _tls: RedisSSLContext | None = None

    def make_connection(self) -> AbstractConnection:
        connection: AbstractConnection = super().make_connection()  # type: ignore[no-untyped-call] # as redis-py has it
        if isinstance(connection, SSLConnection):
            self._tls = connection.ssl_context = self._tls or connection.ssl_context
            if self._tls.ca_certs:
                self._tls.exclude_verify_flags = [STRICT]
            self._tls.get()
        return connection

    async def forget_server(self) -> None:
        """Close idle connections and read the certificates again: the address may lead to another server now."""
        if self._tls is not None:
            # Connections keep the object when they connect again.
            self._tls.context = None
        await self.disconnect(inuse_connections=False)


async def probe(redis: Redis) -> None:
    """Write and read a key, as requests do; a PING succeeds also on a replica and without rights. Raises RedisError."""
    with suppress(exceptions.OutOfMemoryError):  # a full Redis serves reads
        await redis.set(_PROBE_KEY, b"", ex=1)
    await redis.get(_PROBE_KEY)


def client(url: str, seconds: float) -> Redis:
    """A client that waits at most `seconds` to connect; its callers limit the time of replies. Raises StartupError."""
    _reject_ambiguous(url)
    try:
        pool = _Pool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=seconds,
            # RedisBatches has one timer for a round trip instead of one for each write and read.
            socket_timeout=None,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            # Maintenance notices of a hosted Redis would extend the timeouts.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        # Raise now what the first request would raise for unknown options and unreadable files.
        pool.make_connection()
    except (ValueError, TypeError, OSError, exceptions.RedisError) as error:
        raise StartupError(f"{_URL_FORMAT}: {error}") from None
    return Redis.from_pool(pool)


def _reject_ambiguous(url: str) -> None:
    """Raise StartupError, without quoting the URL, if part of a password would be parsed as host, port or path."""
    try:
        parts = urlsplit(url)
        ambiguous = parts.port == 0 or "@" in parts.path + parts.query + parts.fragment
    except ValueError:
        ambiguous = True
    if ambiguous:
        raise StartupError(f"{_URL_FORMAT}, with / # ? @ in the password as %2F %23 %3F %40")
