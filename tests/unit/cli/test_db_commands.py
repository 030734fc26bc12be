"""The commands. tests/components/journal/test_maintenance.py tests the SQLite functions."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mathops.journal.database import schema
from tests.unit.cli.conftest import Run


@pytest.fixture
def journal(run: Run, tmp_path: Path) -> Path:
    assert run("db", "upgrade").stdout == f"revision {schema.newest()}\n"
    return tmp_path / "mathops.db"


def test_an_intact_database_passes_the_check(run: Run, journal: Path) -> None:
    result = run("db", "check")
    document = json.loads(run("db", "check", "--json").stdout)

    assert result.exit_code == 0
    assert ["integrity", "ok"] in [line.split() for line in result.stdout.splitlines()]
    assert (document["errors"], document["revision"]) == ([], document["newest"])


def test_an_older_schema_fails_the_check_and_names_the_fix(run: Run, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database:
        database.execute("DELETE FROM alembic_version")
        database.commit()

    result = run("db", "check")

    assert result.exit_code == 1
    assert f"none (newest: {schema.newest()})" in result.stdout
    assert result.stderr == "Error: the schema belongs to another version; run mathops db upgrade\n"


def test_upgrading_twice_changes_nothing(run: Run, journal: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    assert run("db", "check").exit_code == 0


def test_a_backup_prints_its_path_and_size(run: Run, journal: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"

    result = run("db", "backup", str(copy))

    assert result.stdout == f"{copy}: {copy.stat().st_size} bytes, checked\n"
    assert run("db", "check", MATHOPS_DATABASE_URL=f"sqlite:///{copy}").exit_code == 0


def test_a_backup_of_postgresql_is_rejected(run: Run, tmp_path: Path) -> None:
    result = run("db", "backup", str(tmp_path / "copy"), MATHOPS_DATABASE_URL="postgresql://u:secret@nowhere/mathops")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: MATHOPS_DATABASE_URL names no file to copy; back up PostgreSQL with pg_dump\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("db", "check"), ("db", "backup", "copy.db"), ("history",)])
def test_a_missing_database_is_reported_in_one_line(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(*command)

    assert result.exit_code == 1
    advice = "set MATHOPS_DATA_DIR to the data folder of the service"
    assert result.stderr == f"Error: there is no database {tmp_path / 'mathops.db'}; {advice}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("db", "check"), ("db", "upgrade"), ("db", "backup", "copy.db"), ("history",)])
def test_a_file_in_another_format_is_reported_in_one_line(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "mathops.db").write_bytes(b"no database " * 1000)

    result = run(*command)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "cannot be used: file is not a database" in result.stderr


def test_a_database_of_a_newer_version_is_reported_in_one_line(run: Run, journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    result = run("db", "upgrade")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "9999" in result.stderr
