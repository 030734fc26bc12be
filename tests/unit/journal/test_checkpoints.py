from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from mathops.journal import database
from mathops.journal.checkpoints import COMMITS, Checkpoints
from tests.support.server import eventually

pytestmark = pytest.mark.skipif(not database.concurrent_checkpoints(), reason="this SQLite checkpoints by itself")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mathops.db'}"


@pytest.fixture
def writer(url: str) -> Iterator[Engine]:
    engine = database.writer_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE a (b)"))
    yield engine
    engine.dispose()


def commit(writer: Engine, checkpoints: Checkpoints, times: int) -> None:
    for _ in range(times):
        with writer.begin() as connection:
            connection.execute(text("INSERT INTO a VALUES (1)"))
        checkpoints.committed()


def test_the_write_ahead_log_does_not_grow_with_the_number_of_commits(tmp_path: Path, url: str, writer: Engine) -> None:
    checkpoints = Checkpoints(url)
    commit(writer, checkpoints, COMMITS)
    wal = tmp_path / "mathops.db-wal"
    first = wal.stat().st_size

    commit(writer, checkpoints, 4 * COMMITS)

    assert wal.stat().st_size < 2 * first


def test_a_checkpoint_that_fails_is_told_and_ends_nothing(tmp_path: Path, url: str, writer: Engine) -> None:
    checkpoints = Checkpoints(url)
    (tmp_path / "mathops.db").rename(tmp_path / "away.db")
    (tmp_path / "mathops.db").mkdir()

    with capture_logs() as lines:
        for _ in range(COMMITS):
            checkpoints.committed()
        eventually(lambda: lines)

    assert lines[0]["event"] == "checkpoint failed"


def test_neither_does_one_whose_lock_cannot_be_taken(tmp_path: Path, url: str, writer: Engine) -> None:
    checkpoints = Checkpoints(url)
    (tmp_path / "mathops.db.lock").mkdir()

    with capture_logs() as lines:
        for _ in range(COMMITS):
            checkpoints.committed()

        def failed() -> bool:
            checkpoints.committed()
            return bool(lines)

        eventually(failed)

    assert lines[0]["event"] == "checkpoint failed"
