"""The journal in PostgreSQL, shared by many replicas."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Float, create_engine, literal_column, text
from sqlalchemy.engine import URL

_CONNECTION: dict[str, Any] = {
    "application_name": "mathops",
    "connect_timeout": 5,
    # A server that disappeared is noticed within seconds, not hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# A replica that stops inside a transaction loses it, because the others wait for its lock.
_WRITER_OPTIONS = "-c lock_timeout=4s -c statement_timeout=8s -c idle_in_transaction_session_timeout=5s"
_READER_OPTIONS = "-c statement_timeout=8s -c default_transaction_read_only=on"


class PostgreSQL:
    """The journal's database on a server, with the interface of sqlite.SQLite; `name` holds no password."""

    product = "PostgreSQL"
    wal_reset_fixed = True
    write_lock = nullcontext
    # Sequence order is commit order only while one transaction writes at a time; every replica uses "math" in ASCII.
    begin = f"SELECT pg_advisory_xact_lock({0x6D617468})"
    # The clocks of replicas differ.
    now: ColumnElement[float] = literal_column("extract(epoch from clock_timestamp())", Float)

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self.name = f"{url.database} at {url.host}"

    def write_engine(self, *, durable: bool) -> Engine:
        return self._engine(_WRITER_OPTIONS, pool_size=1)

    def reader(self) -> Engine:
        return self._engine(_READER_OPTIONS, pool_size=4, pool_timeout=5)

    def _engine(self, options: str, **pool: int) -> Engine:
        connection = {**_CONNECTION, "options": options}
        # Rows are tuples, as SQLite takes them: parameters are positional.
        return create_engine(
            self._url, paramstyle="format", max_overflow=0, pool_pre_ping=True, connect_args=connection, **pool
        )

    def integrity(self, connection: Connection) -> list[str]:
        """PostgreSQL checks pages as it reads them and counts wrong checksums."""
        query = text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
        damaged = connection.execute(query).scalar()
        return [f"{damaged} pages with a wrong checksum"] if damaged else []

    def prepare(self) -> None:
        """Nothing to create before the first connection."""

    def after_write(self) -> Callable[[], None]:
        """PostgreSQL checkpoints by itself."""
        return lambda: None
