from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from mathops.journal.database.sqlite import CHECKPOINT_PAGES, SQLite, WalCheckpointer, sqlite_module
from tests.support.server import eventually

needs_checkpointer = pytest.mark.skipif(not SQLite.wal_reset_fixed, reason="this SQLite checkpoints by itself")


@pytest.fixture
def database(tmp_path: Path) -> SQLite:
    return SQLite(tmp_path / "mathops.db")


@pytest.fixture
def engine(database: SQLite) -> Iterator[Engine]:
    engine = database.write_engine(durable=True)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE a (b)"))
    yield engine
    engine.dispose()


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar()


def test_a_durable_commit_is_on_disk_when_it_returns(engine: Engine) -> None:
    full = 2

    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == full


def test_sqlite_checkpoints_by_itself_unless_checkpoints_beside_writers_are_safe(engine: Engine) -> None:
    assert (pragma(engine, "wal_autocheckpoint") == 0) == SQLite.wal_reset_fixed


def test_a_reader_cannot_write(database: SQLite, engine: Engine) -> None:
    with database.reader().connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("INSERT INTO a VALUES (1)"))


def test_a_reader_of_an_empty_file_keeps_the_log_of_the_file_before_it(database: SQLite, engine: Engine) -> None:
    kept = database.path.rename(database.path.with_name("kept"))
    database.path.touch()
    with pytest.raises(OperationalError, match="the file is empty"):
        database.reader().connect()
    kept.rename(database.path)

    with engine.begin() as connection:
        connection.execute(text("INSERT INTO a VALUES (1)"))

    with database.reader().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM a")).scalar() == 1


def integrity(database: SQLite) -> list[str]:
    with database.reader().connect() as connection:
        return database.integrity(connection)


def test_integrity_finds_a_damaged_page(database: SQLite) -> None:
    with closing(sqlite_module().connect(database.path)) as connection:
        connection.executescript("CREATE TABLE a (b); CREATE INDEX c ON a (b); INSERT INTO a VALUES (1), (2), (3);")
    assert integrity(database) == []
    with database.path.open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"\7" * 8)

    assert integrity(database) != []


@needs_checkpointer
def test_the_write_ahead_log_is_bounded_whatever_is_written(database: SQLite) -> None:
    engine = database.write_engine(durable=True)
    checkpointer = WalCheckpointer(database)
    bound = CHECKPOINT_PAGES * 4096
    written = 0
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE a (b)"))
        while written < 5 * bound:
            connection.execute(text("INSERT INTO a VALUES (zeroblob(100000))"))
            connection.commit()
            written += 100_000
            checkpointer.after_write()

    wal = database.path.with_name("mathops.db-wal")
    assert bound <= wal.stat().st_size < 3 * bound
    engine.dispose()


@needs_checkpointer
def test_a_failed_checkpoint_is_logged_and_ends_nothing(tmp_path: Path, database: SQLite, engine: Engine) -> None:
    checkpointer = WalCheckpointer(database)
    database.path.rename(tmp_path / "moved.db")
    database.path.mkdir()

    with capture_logs() as lines:
        checkpointer.after_write()

    assert lines[0]["event"] == "checkpoint failed"


@needs_checkpointer
def test_a_checkpoint_without_its_lock_is_logged_and_ends_nothing(
    tmp_path: Path, database: SQLite, engine: Engine
) -> None:
    checkpointer = WalCheckpointer(database)
    (tmp_path / "mathops.db.lock").mkdir()
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO a VALUES (zeroblob({CHECKPOINT_PAGES * 4096}))"))

    with capture_logs() as lines:

        def failed() -> bool:
            checkpointer.after_write()
            return bool(lines)

        eventually(failed)

    assert lines[0]["event"] == "checkpoint failed"
