import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mathops.errors import StartupError
from mathops.journal import maintenance
from mathops.journal.database import schema
from mathops.journal.database.engine import database_of


def database(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def fill(path: Path, rows: int) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE filling (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO filling (text) VALUES (?)", [(f"{row:0200}",) for row in range(rows)])
        connection.execute("COMMIT")


def overwrite_page(path: Path) -> None:
    """Damage a page in the middle, as a failing disk might."""
    with database(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)


def change_row(path: Path) -> None:
    """Change a row and leave the index as it was."""
    with database(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    text = f"{500:0200}".encode()
    path.write_bytes(path.read_bytes().replace(text, b"x" * len(text), 1))


def test_a_backup_is_a_complete_database(url: str, tmp_path: Path) -> None:
    fill(tmp_path / "mathops.db", 100)
    copy = tmp_path / "copy.db"

    size = maintenance.backup(url, copy)

    assert size == copy.stat().st_size
    assert maintenance.check(f"sqlite:///{copy}").usable
    with database(copy) as connection:
        assert connection.execute("SELECT count(*) FROM filling").fetchone() == (100,)


def test_a_backup_contains_committed_rows_only(url: str, tmp_path: Path) -> None:
    fill(tmp_path / "mathops.db", 1)
    with database(tmp_path / "mathops.db") as connection:
        connection.execute("INSERT INTO filling (text) VALUES ('committed')")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO filling (text) VALUES ('under way')")
        maintenance.backup(url, tmp_path / "copy.db")

    with database(tmp_path / "copy.db") as connection:
        assert connection.execute("SELECT text FROM filling WHERE id > 1").fetchall() == [("committed",)]


def test_only_the_owner_can_read_a_backup(url: str, tmp_path: Path) -> None:
    maintenance.backup(url, tmp_path / "copy.db")

    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_backup_never_overwrites_a_file(url: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")

    with pytest.raises(StartupError, match="exists already"):
        maintenance.backup(url, target)

    assert target.read_text() == "precious"


def test_a_backup_to_a_missing_folder_is_an_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be written: No such file or directory"):
        maintenance.backup(url, tmp_path / "absent" / "copy.db")


def test_a_backup_of_a_damaged_database_leaves_no_file(url: str, tmp_path: Path) -> None:
    fill(tmp_path / "mathops.db", 1000)
    overwrite_page(tmp_path / "mathops.db")

    with pytest.raises(StartupError):
        maintenance.backup(url, tmp_path / "copy.db")

    assert not [path for path in tmp_path.iterdir() if path.name.startswith("copy.db")]


def test_a_malformed_database_is_an_error(url: str, tmp_path: Path) -> None:
    fill(tmp_path / "mathops.db", 1000)
    overwrite_page(tmp_path / "mathops.db")

    with pytest.raises(StartupError, match="malformed"):
        maintenance.check(url)


def test_a_row_that_disagrees_with_its_index_is_found(url: str, tmp_path: Path) -> None:
    fill(tmp_path / "mathops.db", 1000)
    change_row(tmp_path / "mathops.db")

    health = maintenance.check(url)

    assert health.errors
    assert not health.usable
    assert "backup" in health.advice


@pytest.mark.parametrize("name", ["100%", "a#b", "a b", "ü"])
def test_a_folder_may_have_any_ordinary_name(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path / name / 'mathops.db'}"
    schema.upgrade(url)

    maintenance.backup(url, tmp_path / name / "copy.db")

    assert maintenance.check(url).usable


@pytest.mark.parametrize("name", ["mathops.db", "mathops.db-wal"])
def test_a_change_while_an_unwritable_folder_is_read_is_an_error(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Tests may run as root, which may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    def read_while_it_changes() -> None:
        with maintenance._reading(database_of(url)) as engine:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            with (tmp_path / name).open("ab") as file:
                file.write(b"x" * 4096)

    with pytest.raises(StartupError, match="another process wrote"):
        read_while_it_changes()
