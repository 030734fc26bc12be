"""Connections to the journal's database: SQLite with the pragmas its promise needs, or PostgreSQL."""

import sqlite3
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from mathops.errors import StartupError
from mathops.journal import postgresql
from mathops.journal.locks import FileLock

BUSY_SECONDS = 5
_BEGIN = "BEGIN IMMEDIATE"
_WAL_RESET_FIXED = (3, 51, 3)
# The drivers there are, by database, whichever a URL names.
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def sqlite_module() -> ModuleType:
    """The newest SQLite at hand: versions before 3.51.3 can corrupt a WAL with several writers."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        return sqlite3


def concurrent_checkpoints() -> bool:
    """Whether one connection may checkpoint while another writes: only without the WAL-reset bug."""
    return bool(sqlite_module().sqlite_version_info >= _WAL_RESET_FIXED)


def parse(url: str) -> URL:
    """The URL of a journal; raises StartupError for one that cannot hold it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StartupError("MATHOPS_DATABASE_URL is not a database URL such as sqlite:///data/mathops.db") from None
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise StartupError(f"MATHOPS_DATABASE_URL: {backend} is not supported, use sqlite or postgresql")
    if backend == "sqlite" and (parsed.host or parsed.database in (None, "", ":memory:")):
        raise StartupError("MATHOPS_DATABASE_URL: the journal needs a file, such as sqlite:///data/mathops.db")
    return parsed.set(drivername=_DRIVERS[backend])


def is_sqlite(url: str) -> bool:
    """Whether the journal is a file of this machine."""
    return parse(url).get_backend_name() == "sqlite"


def path_of(url: str) -> Path:
    """The file of a SQLite URL; raises StartupError for any other."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise StartupError("MATHOPS_DATABASE_URL names no file to copy; back PostgreSQL up by its own pg_dump")
    return Path(parsed.database or "")


def writer_engine(url: str, *, durable: bool = True) -> Engine:
    """One connection that writes; every commit is on disk, unless what is written may be lost with the power."""
    if not is_sqlite(url):
        return postgresql.writer_engine(parse(url))
    synchronous = "FULL" if durable else "NORMAL"
    engine = create_engine(
        parse(url),
        module=sqlite_module(),
        pool_size=1,
        max_overflow=0,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if concurrent_checkpoints():
            connection.execute("PRAGMA wal_autocheckpoint=0")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(_BEGIN)

    return engine


def begin(url: str) -> str:
    """The statement that begins a transaction of `writer_engine`."""
    return _BEGIN if is_sqlite(url) else postgresql.BEGIN


def reader_engine(url: str) -> Engine:
    """Connections that can only read."""
    if not is_sqlite(url):
        return postgresql.reader_engine(parse(url))
    return read_only(path_of(url))


def read_only(path: Path) -> Engine:
    """Connections that can only read a SQLite file."""
    return create_engine(
        URL.create("sqlite", database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"}),
        module=sqlite_module(),
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS},
    )


def write_lock(url: str) -> AbstractContextManager[None]:
    """The one lock that every writer of a SQLite file takes: SQLite's own busy handler is not fair.

    PostgreSQL's transactions take a lock of their own.
    """
    if not is_sqlite(url):
        return nullcontext()
    path = path_of(url)
    return FileLock(path.with_name(path.name + ".lock"))


def error_message(error: Exception) -> str:
    """What an error says, on one line; of SQLAlchemy's the database's own words."""
    return " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__


def integrity(engine: Engine) -> list[str]:
    """What the database's own check finds wrong; empty when all is well."""
    if engine.dialect.name == "postgresql":
        return postgresql.integrity(engine)
    with engine.connect() as connection:
        found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    return [] if found == ["ok"] else found


def version(engine: Engine) -> str:
    """The version of SQLite or PostgreSQL."""
    with engine.connect() as connection:
        return ".".join(map(str, connection.dialect.server_version_info or ()))


def name(url: str) -> str:
    """The database, for people: never a password."""
    parsed = parse(url)
    return str(parsed.database) if is_sqlite(url) else f"{parsed.database} at {parsed.host}"
