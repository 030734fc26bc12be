import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mathops.errors import StartupError
from mathops.journal.database.engine import Database, WriteEngine, database_of
from mathops.journal.database.sqlite import SQLite


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://there/mathops.db",
        "mysql://there/mathops",
        "postgresql://alice:secret@there:port/mathops",
    ],
)
def test_a_url_that_cannot_hold_a_journal_is_rejected_with_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(StartupError, match="MATHOPS_DATABASE_URL"):
        database_of(url)


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlcipher"])
def test_another_driver_in_a_url_is_ignored(scheme: str) -> None:
    database = database_of(f"{scheme}:////data/mathops.db")

    assert isinstance(database, SQLite)
    assert database.path == Path("/data/mathops.db")


def test_the_name_of_a_database_holds_no_password() -> None:
    assert database_of("postgresql://alice:secret@there/mathops").name == "mathops at there"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("cannot exit pipeline mode while busy"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (DBAPIError("SELECT 1", [], psycopg.errors.CannotConnectNow()), True),
        (psycopg.errors.LockNotAvailable(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.DiskFull(), False),
        (OSError("the request log failed"), False),
    ],
    ids=repr,
)
def test_errors_of_a_postgresql_connection_differ_from_those_of_a_statement(error: Exception, expected: bool) -> None:
    assert database_of("postgresql://there/mathops").is_connection_error(error) is expected


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return SQLite(tmp_path / "mathops.db")


@pytest.fixture
def writer(database: Database) -> Iterator[WriteEngine]:
    writer = WriteEngine(database)
    with writer.transaction() as connection:
        connection.execute(text("CREATE TABLE a (b)"))
    yield writer
    writer.close()


Transaction = Callable[[WriteEngine], AbstractContextManager[Any]]
TRANSACTIONS = pytest.mark.parametrize("transaction", [WriteEngine.transaction, WriteEngine.driver_transaction])


def insert(connection: Any) -> None:
    if hasattr(connection, "exec_driver_sql"):
        connection.exec_driver_sql("INSERT INTO a VALUES (1)")
    else:
        connection.execute("INSERT INTO a VALUES (1)")


def count(database: Database) -> int:
    with database.reader().connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM a")).scalar_one())


@TRANSACTIONS
def test_a_transaction_is_committed_at_its_end(
    database: Database, writer: WriteEngine, transaction: Transaction
) -> None:
    with transaction(writer) as connection:
        insert(connection)
        assert count(database) == 0

    assert count(database) == 1


@TRANSACTIONS
def test_an_exception_rolls_the_transaction_back_and_the_next_one_works(
    database: Database, writer: WriteEngine, transaction: Transaction
) -> None:
    def fail() -> None:
        with transaction(writer) as connection:
            insert(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with transaction(writer) as connection:
        insert(connection)
    assert count(database) == 1


@TRANSACTIONS
def test_a_transaction_holds_the_write_lock(database: Database, writer: WriteEngine, transaction: Transaction) -> None:
    acquired = threading.Event()

    def acquire() -> None:
        with database.write_lock():
            acquired.set()

    with transaction(writer):
        other = threading.Thread(target=acquire)
        other.start()
        assert not acquired.wait(0.1)

    assert acquired.wait(5)
    other.join()
