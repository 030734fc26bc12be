from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from mathops.errors import StartupError
from mathops.journal import database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mathops.db'}"


@pytest.fixture
def writer(url: str) -> Iterator[Engine]:
    engine = database.writer_engine(url)
    yield engine
    engine.dispose()


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar()


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
def test_an_url_that_cannot_hold_a_journal_is_told_by_its_variable(url: str) -> None:
    with pytest.raises(StartupError, match="MATHOPS_DATABASE_URL"):
        database.parse(url)


@pytest.mark.parametrize("scheme", ["sqlite+aiosqlite", "sqlite+pysqlcipher"])
def test_another_driver_s_url_is_taken_with_ours(url: str, scheme: str) -> None:
    engine = database.writer_engine(url.replace("sqlite", scheme))

    assert pragma(engine, "journal_mode") == "wal"
    engine.dispose()


def test_a_commit_is_on_disk_before_it_is_answered(writer: Engine) -> None:
    full = 2

    assert pragma(writer, "journal_mode") == "wal"
    assert pragma(writer, "synchronous") == full


def test_sqlite_checkpoints_by_itself_unless_it_is_safe_beside_writers(writer: Engine) -> None:
    assert (pragma(writer, "wal_autocheckpoint") == 0) == database.concurrent_checkpoints()


def test_a_reader_cannot_write(url: str, writer: Engine) -> None:
    with writer.begin() as connection:
        connection.execute(text("CREATE TABLE a (b)"))

    with database.reader_engine(url).connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("INSERT INTO a VALUES (1)"))


def test_integrity_finds_a_damaged_page(tmp_path: Path, url: str) -> None:
    with closing(database.sqlite_module().connect(tmp_path / "mathops.db")) as connection:
        connection.executescript("CREATE TABLE a (b); CREATE INDEX c ON a (b); INSERT INTO a VALUES (1), (2), (3);")
    assert database.integrity(database.reader_engine(url)) == []
    with (tmp_path / "mathops.db").open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"\7" * 8)

    assert database.integrity(database.reader_engine(url)) != []
