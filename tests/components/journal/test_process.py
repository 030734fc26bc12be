"""The loop of the journal process, without clients."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from mathops.journal import process
from mathops.journal.database import schema, sqlite
from mathops.journal.database.engine import database_of
from mathops.journal.reader import Reader
from mathops.journal.rows import Writer
from mathops.models import HistoryQuery
from mathops.processes.frame_server import FrameServer
from mathops.settings import Settings
from tests.support.records import json_lines, make_record


class IdleServer:
    """Receives nothing, and closes after `rounds`."""

    connections = ()

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    @property
    def is_open(self) -> bool:
        self._rounds -= 1
        return self._rounds >= 0

    def receive(self, _: float) -> Mapping[object, object]:
        return {}


@pytest.mark.skipif(not sqlite.SQLite.wal_reset_fixed, reason="this SQLite checkpoints by itself")
def test_retention_without_requests_does_not_grow_the_write_ahead_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES", 100)
    monkeypatch.setattr(sqlite, "_CHECK_SECONDS", 0)
    monkeypatch.setattr(process, "_RETENTION_SECONDS", 0)
    settings = Settings(data_dir=tmp_path, retention_rows=10)
    schema.upgrade(settings.journal_url)
    database = database_of(settings.journal_url)
    with closing(Writer(database)) as writer:
        writer.commit(json_lines(*(make_record() for _ in range(20_000))), before_commit=lambda _: None)
    wal = tmp_path / "mathops.db-wal"
    assert not wal.exists()

    process.JournalProcess(cast(FrameServer, IdleServer(200)), settings).run()

    assert len(Reader(database).all_users(HistoryQuery(limit=11)).rows) == 10
    assert wal.stat().st_size < 2_000_000
