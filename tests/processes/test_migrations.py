import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest


@pytest.mark.slow
def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mathops.db"
    program = f"from mathops.journal.database import schema; schema.upgrade('sqlite:///{path}')"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]

    assert [process.wait(50) for process in processes] == [0] * 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM relay").fetchone() == (1,)
