"""The journal's database, chosen once by its URL: engines, write lock and transactions."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mathops.errors import StartupError


class WriteEngine:
    """The one connection that writes; every transaction holds the write lock and starts with `begin`.

    After an error the next transaction uses a new connection.
    """

    def __init__(self, engine: Engine, begin: str, lock: AbstractContextManager[None]) -> None:
        self.dialect = engine.dialect
        self._engine = engine
        self._begin = begin
        self._lock = lock
        self._connection: Connection | None = None
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit at the end of the block, or roll back after an exception."""
        with self._locked() as connection, connection.begin():
            yield connection

    @contextmanager
    def driver_transaction(self) -> Iterator[Any]:
        """The same on the driver's cursor: SQLAlchemy adds 12 us to a transaction, as much as SQLite itself."""
        with self._locked() as connection:
            driver = connection.connection
            cursor = driver.cursor()
            cursor.execute(self._begin)
            yield cursor
            driver.commit()

    @contextmanager
    def _locked(self) -> Iterator[Connection]:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._engine.connect()
                yield self._connection
        except Exception:
            if self._connection is not None:
                self._connection.invalidate()
                self._connection = None
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


class Checkpointer:
    """Does nothing: for databases that checkpoint by themselves."""

    def committed(self) -> None:
        """Call after each commit."""


class Database(ABC):
    """One journal database; `name` is for people and holds no password."""

    product: ClassVar[str]
    # Starts every write transaction.
    begin: ClassVar[str]
    # False for a SQLite version with the WAL-reset bug.
    safe = True
    name: str

    @staticmethod
    def from_url(url: str) -> "Database":
        """Raises StartupError for a URL that cannot hold a journal."""
        # Both modules import this one.
        from mathops.journal.postgresql import PostgreSQL
        from mathops.journal.sqlite import SQLite

        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise StartupError("MATHOPS_DATABASE_URL is not a database URL such as sqlite:///data/mathops.db") from None
        backend = parsed.get_backend_name()
        if backend == "postgresql":
            return PostgreSQL(parsed)
        if backend != "sqlite":
            raise StartupError(f"MATHOPS_DATABASE_URL: {backend} is not supported, use sqlite or postgresql")
        if parsed.host or parsed.database in (None, "", ":memory:"):
            raise StartupError("MATHOPS_DATABASE_URL: the journal needs a file, such as sqlite:///data/mathops.db")
        return SQLite(Path(parsed.database or ""))

    def writer(self, *, durable: bool = True) -> WriteEngine:
        """With `durable=False` a power failure may undo the last commits."""
        return WriteEngine(self.write_engine(durable=durable), self.begin, self.write_lock())

    @abstractmethod
    def write_engine(self, *, durable: bool) -> Engine:
        """One connection that can write; use `writer`, which adds lock and transactions."""

    @abstractmethod
    def write_lock(self) -> AbstractContextManager[None]:
        """The lock that all writers of all processes share, where `begin` does not take one."""

    @abstractmethod
    def reader(self) -> Engine:
        """Connections that can only read."""

    @abstractmethod
    def insert_once(self, table: Table, key: str) -> Any:
        """The statement that inserts a row unless its `key` exists."""

    @abstractmethod
    def integrity(self, engine: Engine) -> list[str]:
        """The damage that the database's own check finds; empty when there is none."""

    @property
    @abstractmethod
    def file(self) -> Path:
        """The database file; raises StartupError for a database server."""

    def exists(self) -> bool:
        return True

    def prepare(self) -> None:  # noqa: B027 - a server needs nothing
        """Create what must exist before the first connection; raises StartupError."""

    def checkpointer(self) -> Checkpointer:
        return Checkpointer()


def error_message(error: Exception) -> str:
    """An error's message on one line; the database's own for an error of SQLAlchemy."""
    return " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__


def server_version(engine: Engine) -> str:
    with engine.connect() as connection:
        return ".".join(map(str, connection.dialect.server_version_info or ()))
