"""The journal's database, chosen once by its URL, and the transactions that write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mathops.errors import StartupError
from mathops.journal.database.sqlite import SQLite

if TYPE_CHECKING:
    from mathops.journal.database.postgresql import PostgreSQL

Database: TypeAlias = "SQLite | PostgreSQL"


def database_of(url: str) -> Database:
    """Raises StartupError for a URL that cannot hold a journal."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StartupError("MATHOPS_DATABASE_URL is not a database URL such as sqlite:///data/mathops.db") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        # Importing the dialect takes 40 ms, and each process would do so.
        from mathops.journal.database.postgresql import PostgreSQL

        return PostgreSQL(parsed)
    if backend != "sqlite":
        raise StartupError(f"MATHOPS_DATABASE_URL: {backend} is not supported, use sqlite or postgresql")
    if parsed.host or parsed.database in (None, "", ":memory:"):
        raise StartupError("MATHOPS_DATABASE_URL: the journal needs a file, such as sqlite:///data/mathops.db")
    return SQLite(Path(parsed.database or ""))


class WriteEngine:
    """The one connection that writes; every transaction holds the write lock.

    After an error the next transaction uses a new connection.
    """

    def __init__(self, database: Database, begin: str = "", *, durable: bool = True) -> None:
        """`begin` starts transactions, by default `database.begin`.

        With `durable=False` a power failure may undo the last commits.
        """
        self._engine = database.write_engine(durable=durable)
        self._begin = begin = begin or database.begin
        self._check_file = database.check_file
        self._lock = database.write_lock()
        self._connection: Connection | None = None
        self._is_connection_error = database.is_connection_error
        # Whether the last error came from the connection, so that another attempt may succeed.
        self.lost_connection = False
        self.dialect = self._engine.dialect
        event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql(begin))

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
        self._check_file()
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._engine.connect()
                yield self._connection
        except Exception as error:
            self.lost_connection = self._is_connection_error(error)
            if self._connection is not None:
                self._connection.invalidate()
                self._connection = None
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


def error_message(error: Exception) -> str:
    """An error's message on one line; the database's own for an error of SQLAlchemy."""
    return " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__
