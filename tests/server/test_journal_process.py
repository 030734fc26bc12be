"""Requests while the journal process, its database or its disk fails."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.load import Load
from tests.support.server import Server, eventually, free_port, running

pytestmark = pytest.mark.slow

JOURNAL = "mathops.journal.process"
CALL = "/pow?base=2&exp=5"


def journal_process(server: Server) -> psutil.Process:
    process: psutil.Process = eventually(lambda: server.processes(JOURNAL))[0]
    return process


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits one second for the journal."""
    with running(tmp_path_factory.mktemp("server"), MATHOPS_JOURNAL_TIMEOUT_SECONDS="1") as server:
        yield server


def ready(server: Server) -> bool:
    return bool(server.client.get("/readyz").json()["status"] == "ready")


def assert_withheld(server: Server, headers: dict[str, str]) -> None:
    answer = server.client.get(CALL, headers=headers)

    assert answer.status_code == 503, answer.text
    assert answer.json()["type"].endswith("/journal-unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "result" not in answer.json()


def test_a_killed_process_is_replaced_and_every_request_is_answered_and_stored_once(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_JOURNAL_TIMEOUT_SECONDS="30")
    with Load(server) as load:
        for _ in range(3):
            load.more()
            killed = journal_process(server)
            killed.kill()
            load.more()
            assert journal_process(server).pid != killed.pid

    assert set(load.answers.values()) == {200}
    assert load.stored() == Counter(load.acknowledged)
    assert server.metric("mathops_journal_restarts_total") == 3


def test_results_are_withheld_while_the_process_hangs(impatient: Server) -> None:
    server = impatient
    headers = server.login()
    process = journal_process(server)

    process.suspend()
    for _ in range(3):
        assert_withheld(server, headers)
    assert server.client.get("/readyz").status_code == 503
    process.resume()

    eventually(lambda: server.client.get(CALL, headers=headers).status_code == 200)
    eventually(lambda: ready(server))
    assert journal_process(server).pid == process.pid
    assert server.metric("mathops_journal_in_flight_rows") == 0


def test_acknowledged_requests_of_a_killed_web_worker_are_stored_and_its_pool_ends(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    with Load(server) as load:
        load.more()
        left = server.processes("mathops.processes.pool_worker")
        server.web_workers[0].kill()
        assert psutil.wait_procs(left, timeout=20)[1] == []
        load.more()

    assert load.acknowledged <= set(load.stored())
    assert max(load.stored().values()) == 1


def test_results_are_withheld_while_another_process_locks_the_database(impatient: Server) -> None:
    server = impatient
    headers = server.login()
    with closing(sqlite3.connect(server.folder / "data" / "mathops.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert_withheld(server, headers)
        eventually(lambda: "database is locked" in server.log.read_text())
        assert server.client.get("/readyz").status_code == 503

    eventually(lambda: server.client.get(CALL, headers=headers).status_code == 200)
    eventually(lambda: ready(server))


def test_the_service_is_not_ready_while_the_request_log_cannot_be_written(impatient: Server) -> None:
    server = impatient
    headers = server.login()
    log = server.folder / "data" / "requests.log"
    kept = log.rename(log.with_name("kept"))
    log.mkdir()

    eventually(lambda: not ready(server))
    for _ in range(3):
        assert_withheld(server, headers)
        assert not ready(server)
    log.rmdir()
    kept.rename(log)

    eventually(lambda: ready(server))
    assert server.client.get(CALL, headers=headers).status_code == 200


def test_results_are_withheld_while_the_file_of_the_journal_is_replaced(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_JOURNAL_TIMEOUT_SECONDS="1")
    headers = server.login()
    file = server.folder / "data" / "mathops.db"
    assert server.client.get(CALL, headers=headers).status_code == 200
    before = len(server.rows())
    kept = file.rename(file.with_name("kept.db"))
    file.touch()

    for _ in range(3):
        assert_withheld(server, headers)
        assert not ready(server)
    kept.rename(file)

    eventually(lambda: server.client.get(CALL, headers=headers).status_code == 200)
    eventually(lambda: ready(server))

    def stored() -> bool:
        # A reader that has opened the other file beside the same WAL may still disturb one attempt to read.
        with suppress(sqlite3.OperationalError):
            return len(server.rows()) > before
        return False

    eventually(stored)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"a small disk cannot be mounted: {mounted.stderr}")
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return filler


def test_results_are_withheld_while_the_disk_is_full_and_no_acknowledged_request_is_lost(
    small_disk: Path, start_server: Callable[..., Server]
) -> None:
    withheld = 20
    server = start_server(MATHOPS_JOURNAL_TIMEOUT_SECONDS="30")
    with Load(server) as load:
        load.more()
        filler = fill(small_disk)
        eventually(lambda: list(load.answers.values()).count(503) >= withheld, 30)
        unready = eventually(lambda: (answer := server.client.get("/readyz")).status_code == 503 and answer)
        assert unready.json()["checks"]["journal"] != "ok"

        filler.unlink()
        load.more()

    assert set(load.answers.values()) == {200, 503}
    assert load.acknowledged <= set(load.stored())
    eventually(lambda: ready(server))
    assert 1 <= server.log.read_text().count("journal cannot be written") < withheld
    logged = (small_disk / "requests.log").read_text()
    assert all(name in logged for name in load.acknowledged)


def test_rows_beyond_the_limit_are_deleted(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_RETENTION_ROWS="10")
    with Load(server) as load:
        load.more(100)

    eventually(lambda: len(server.rows()) == 10)
    # Without Kafka no row waits to be published.
    assert server.metric("mathops_outbox_pending_rows") == server.metric("mathops_outbox_oldest_age_seconds") == 0


def test_the_outbox_counts_rows_while_the_broker_is_unavailable(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_KAFKA_BROKERS=f"127.0.0.1:{free_port()}")
    with Load(server) as load:
        load.more(20)

    eventually(lambda: server.metric("mathops_outbox_pending_rows") == len(server.rows()))
    assert server.metric("mathops_outbox_oldest_age_seconds") > 0


def test_the_journal_process_ignores_signals_of_its_own(impatient: Server) -> None:
    server = impatient
    process = journal_process(server)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)

    assert server.client.get(CALL, headers=server.login()).status_code == 200
    assert journal_process(server).pid == process.pid
