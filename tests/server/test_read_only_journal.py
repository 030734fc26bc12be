"""Commands that read a journal in a folder that cannot be written: a read-only mount, or a missing right."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mathops.journal.database import schema
from mathops.journal.database.engine import database_of
from mathops.journal.rows import Writer
from tests.support.commands import WITHOUT_DAC_OVERRIDE
from tests.support.records import json_lines, make_record
from tests.support.server import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="uses mounts and capabilities of Linux"),
]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a journal of one row that no process has open."""
    url = f"sqlite:///{tmp_path / 'data' / 'mathops.db'}"
    schema.upgrade(url)
    with closing(Writer(database_of(url))) as writer:
        writer.commit(json_lines(make_record()), lambda _: None)
    assert not (tmp_path / "data" / "mathops.db-wal").exists()
    return tmp_path / "data"


@pytest.fixture(params=["mount", "right"])
def read_only(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder, which cannot be written through this path."""
    if request.param == "right":
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    bind = subprocess.run(["mount", "--bind", folder, mounted], capture_output=True, text=True, check=False)
    if bind.returncode:
        pytest.skip(f"needs root: {bind.stderr}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", mounted], check=True)
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.fixture
def run(read_only: Path, tmp_path: Path) -> Run:
    """Run a command on the journal in `read_only`."""
    environment = {**Server(tmp_path, {}).environment, "MATHOPS_DATA_DIR": str(read_only)}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_DAC_OVERRIDE, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def add_row(folder: Path) -> closing[sqlite3.Connection]:
    """A row in the WAL, and the connection that keeps the WAL open."""
    connection = sqlite3.connect(folder / "mathops.db", isolation_level=None)
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(requests)") if name != "seq"]
    named = ", ".join(f'"{column}"' for column in columns)
    others = ", ".join("'second'" if column == "id" else f'"{column}"' for column in columns)
    connection.execute(f"INSERT INTO requests ({named}) SELECT {others} FROM requests")
    return closing(connection)


def records(run: Run) -> int:
    listed = run("history", "--json")
    assert listed.returncode == 0, listed.stderr
    return len(json.loads(listed.stdout)["records"])


def assert_readable(run: Run, copy: Path, rows: int) -> None:
    checked = run("db", "check")
    assert checked.returncode == 0, checked.stderr
    assert records(run) == rows
    saved = run("db", "backup", copy)
    assert saved.returncode == 0, saved.stderr
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (rows,)


def test_a_journal_that_nothing_writes_is_read(run: Run, tmp_path: Path) -> None:
    assert_readable(run, tmp_path / "copy.db", 1)


def test_a_journal_in_use_is_read_with_the_rows_of_its_log(run: Run, folder: Path, tmp_path: Path) -> None:
    folder.chmod(0o755)
    with add_row(folder):
        folder.chmod(0o555)

        assert_readable(run, tmp_path / "copy.db", 2)


@pytest.mark.parametrize("command", [("db", "check"), ("history",), ("db", "backup", "copy.db")], ids=" ".join)
def test_rows_that_cannot_be_merged_are_reported_in_one_line(
    run: Run, folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    # The files of a killed service without the index of the log, as some backups have them.
    folder.chmod(0o755)
    with add_row(folder):
        shutil.copy(folder / "mathops.db-wal", tmp_path / "log")
    shutil.copy(tmp_path / "log", folder / "mathops.db-wal")
    folder.chmod(0o555)

    result = run(*command)

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "mathops.db-wal; copy both files to a folder that can be written" in result.stderr
