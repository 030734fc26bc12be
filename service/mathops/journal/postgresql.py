"""Connections to a journal in PostgreSQL, shared by many replicas."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

# Any number, the same everywhere: sequence order is commit order only while one writes at a time.
BEGIN = f"SELECT pg_advisory_xact_lock({0x6D617468})"
_CONNECT_SECONDS = 5

_CONNECTION: dict[str, Any] = {
    "application_name": "mathops",
    "connect_timeout": _CONNECT_SECONDS,
    # A server that vanished is noticed within seconds, not hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# A replica that is stopped within a transaction loses it, for the others wait for its lock.
_WRITER_OPTIONS = "-c lock_timeout=4s -c statement_timeout=8s -c idle_in_transaction_session_timeout=5s"
_READER_OPTIONS = "-c statement_timeout=8s -c default_transaction_read_only=on"


def writer_engine(url: URL) -> Engine:
    """One connection that writes, one transaction after another in the whole database."""
    connection = {**_CONNECTION, "options": _WRITER_OPTIONS}
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(BEGIN)

    return engine


def reader_engine(url: URL) -> Engine:
    """Connections that can only read."""
    connection = {**_CONNECTION, "options": _READER_OPTIONS}
    return create_engine(url, pool_size=4, max_overflow=0, pool_timeout=5, pool_pre_ping=True, connect_args=connection)


def integrity(engine: Engine) -> list[str]:
    """What PostgreSQL has met of damage: it checks pages as it reads them, and counts those that are wrong."""
    query = text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
    with engine.connect() as connection:
        damaged = connection.execute(query).scalar()
    return [f"{damaged} pages with a wrong checksum"] if damaged else []
