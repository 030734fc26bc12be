"""SIGKILL of all processes at random moments."""

import json
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mathops.journal.database.sqlite import SQLite
from tests.support.load import Load
from tests.support.server import Server

ROUNDS = 20


@pytest.mark.timeout(900)
def test_no_acknowledged_request_is_lost_when_all_processes_are_killed_repeatedly(tmp_path: Path) -> None:
    random = Random(5)
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        server = Server(tmp_path, {"MATHOPS_WORKERS": "2", "MATHOPS_LOG_FILE_BACKUPS": "1000"})
        try:
            server.start()
            with Load(server) as load:
                load.more(20)
                time.sleep(random.uniform(0, 1))
                server.kill()
            assert set(load.answers.values()) == {200}
            acknowledged |= load.acknowledged
        finally:
            server.kill()

    stored = Counter(row[0] for row in server.rows("request_id"))
    logged = {json.loads(line)["request_id"] for path in _logs(tmp_path) for line in path.read_text().splitlines()}
    assert len(acknowledged) >= 20 * ROUNDS
    assert acknowledged - set(stored) == set()
    assert acknowledged - logged == set()
    assert set(stored.values()) == {1}
    database = SQLite(tmp_path / "data" / "mathops.db")
    with database.reader().connect() as connection:
        assert database.integrity(connection) == []


def _logs(folder: Path) -> list[Path]:
    return [path for path in (folder / "data").glob("requests.log*") if path.suffix != ".lock"]
