import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mathops.errors import StartupError
from mathops.journal.database import schema
from mathops.journal.database.engine import WriteEngine, database_of
from mathops.journal.database.tables import metadata, requests
from mathops.journal.reader import Reader
from mathops.models import HistoryQuery
from tests.support.records import make_record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mathops.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def move(url: str, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", "mathops:journal/database/migrations")
    with closing(WriteEngine(database_of(url))) as writer, writer.transaction() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, to)


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def revision(url: str) -> str | None:
    with database_of(url).reader().connect() as connection:
        return schema.revision(connection)


def test_the_migrations_create_the_declared_tables(url: str) -> None:
    schema.upgrade(url)

    with database_of(url).reader().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_revision_is_that_of_the_migrations(url: str) -> None:
    schema.upgrade(url)

    config = Config()
    config.set_main_option("script_location", "mathops:journal/database/migrations")
    assert revision(url) == schema.newest() == ScriptDirectory.from_config(config).get_current_head()


def test_sequence_numbers_come_from_autoincrement(path: Path, url: str) -> None:
    schema.upgrade(url)

    assert "sqlite_sequence" in tables(path)


def test_a_second_upgrade_changes_nothing(url: str) -> None:
    schema.upgrade(url)
    before = revision(url)

    schema.upgrade(url)

    assert revision(url) == before == schema.newest()


def test_a_downgrade_drops_all_tables_and_an_upgrade_creates_them_again(path: Path, url: str) -> None:
    schema.upgrade(url)

    move(url, "base")
    assert not {"requests", "relay"} & tables(path)

    schema.upgrade(url)
    assert {"requests", "relay"} <= tables(path)


def test_release_0_1_can_still_insert_and_its_rows_are_read_in_the_current_form(url: str) -> None:
    schema.upgrade(url)
    record = make_record()
    parameters = msgspec.json.encode(record.parameters).decode()
    row = {**msgspec.structs.asdict(record), "parameters": parameters, "version": 1}
    del row["traceparent"]
    database = database_of(url)

    with closing(WriteEngine(database)) as writer, writer.transaction() as connection:
        connection.execute(requests.insert().values(row))

    assert Reader(database).history("alice", HistoryQuery(limit=10)).rows == [(1, record)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("CREATE TABLE requests (other TEXT)", "already exists"),
        ("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('9999')", "9999"),
    ],
    ids=["somebody else's tables", "a later version's schema"],
)
def test_a_foreign_schema_is_rejected_in_one_line_and_not_changed(
    path: Path, url: str, content: str, message: str
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(content)
    before = tables(path)

    with pytest.raises(StartupError, match=message) as refusal:
        schema.upgrade(url)

    assert "\n" not in str(refusal.value)
    assert tables(path) == before


def test_a_file_that_is_not_a_database_is_rejected_and_not_changed(path: Path, url: str) -> None:
    path.write_text("a text file " * 100)

    with pytest.raises(StartupError, match="file is not a database"):
        schema.upgrade(url)

    assert path.read_text().startswith("a text file")


def test_a_folder_that_cannot_be_created_is_a_startup_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartupError, match=r"the folder .*file cannot be created"):
        schema.upgrade(f"sqlite:///{tmp_path}/file/mathops.db")
