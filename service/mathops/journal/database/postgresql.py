"""The journal in PostgreSQL, shared by many replicas."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Float, create_engine, event, literal_column, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from mathops.errors import StartupError
from mathops.journal.database import commit_order
from mathops.journal.database.json_inserts import JsonInserts

# Startup parameters and session settings are left out, because a connection pooler refuses or mixes them.
_CONNECTION: dict[str, Any] = {
    "application_name": "mathops",
    "client_encoding": "utf8",
    "connect_timeout": 5,
    # A server that disappeared is noticed within seconds, not hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # In transaction mode a pooler runs a prepared statement on a session that has not prepared it.
    "prepare_threshold": None,
}
# An answered request survives a crash whatever the server's default is. A replica that stops inside a transaction loses
# it, because publishing waits for it.
_DURABLE = "SET LOCAL synchronous_commit = on; "
_TIMEOUT = "SET LOCAL statement_timeout = '8s'; "
_WRITER = f"{_DURABLE}{_TIMEOUT}SET LOCAL lock_timeout = '4s'; SET LOCAL idle_in_transaction_session_timeout = '5s'; "


class PostgreSQL:
    """The journal's database on a server, with the interface of sqlite.SQLite; `name` holds no password."""

    product = "PostgreSQL"
    wal_reset_fixed = True
    write_lock = nullcontext
    settled = staticmethod(commit_order.settled)
    inserts = JsonInserts
    begin = _WRITER + commit_order.SHARED
    begin_exclusive = _WRITER + commit_order.EXCLUSIVE
    # Takes as long as it needs.
    begin_migration = _DURABLE + commit_order.EXCLUSIVE
    # The clocks of replicas differ.
    now: ColumnElement[float] = literal_column("extract(epoch from clock_timestamp())", Float)

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self.name = f"{url.database} at {url.host}"
        # Parameters of the URL take precedence.
        self._connection = {name: value for name, value in _CONNECTION.items() if name not in url.query}

    def write_engine(self, *, durable: bool) -> Engine:
        """One connection; use database.WriteEngine, which adds the start of transactions."""
        return self._engine(pool_size=1)

    def check_file(self) -> None:
        """The server keeps its files open."""

    def is_connection_error(self, error: Exception) -> bool:
        """Whether an error of the driver, or SQLAlchemy's for it, comes from the connection, not from a statement."""
        state = getattr(getattr(error, "orig", error), "sqlstate", "")
        # libpq's own errors have no state. Class 08 is a connection exception, 57P a server that stops.
        return state is None or state.startswith(("08", "57P"))

    def reader(self) -> Engine:
        """Connections that can only read."""
        engine = self._engine(pool_size=4, pool_timeout=5)
        # `settled` needs statements that see what has been committed since the one before.
        begin = f"{_TIMEOUT}SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    def _engine(self, **pool: int) -> Engine:
        # Rows are tuples, as SQLite takes them: parameters are positional.
        return create_engine(
            self._url, paramstyle="format", max_overflow=0, pool_pre_ping=True, connect_args=self._connection, **pool
        )

    def integrity(self, connection: Connection) -> list[str]:
        """PostgreSQL checks pages as it reads them and counts wrong checksums."""
        query = text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
        damaged = connection.execute(query).scalar()
        return [f"{damaged} pages with a wrong checksum"] if damaged else []

    def prepare(self) -> None:
        """Raises StartupError if the database cannot hold every character."""
        engine = create_engine(self._url, poolclass=NullPool, connect_args=self._connection)
        with engine.connect() as connection:
            encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise StartupError(f"the database {self.name} has the encoding {encoding}: create it with ENCODING 'UTF8'")

    def after_write(self) -> Callable[[], None]:
        """PostgreSQL checkpoints by itself."""
        return lambda: None
