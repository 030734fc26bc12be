"""Several web workers on one journal."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.server.test_logs import DEMO
from tests.support.load import Load
from tests.support.server import Server, eventually, running

MISSES = 'mathops_operations_total{cache="miss",operation="pow",outcome="ok"}'
ROWS = "mathops_journal_rows_total"
RESTARTS = "mathops_journal_restarts_total"
JOURNAL = "mathops.journal.process"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Without a cache each request is a miss.
    variables = {"MATHOPS_WORKERS": "2", "MATHOPS_CACHE_BYTES": "0", "MATHOPS_JOURNAL_TIMEOUT_SECONDS": "30"}
    with running(tmp_path_factory.mktemp("server"), **variables) as server:
        eventually(lambda: server.log.read_text().count("Application startup complete") == 2)
        yield server


def pool_workers_are_counted(server: Server) -> bool:
    return server.metric("mathops_pool_workers") == len(server.processes("mathops.processes.pool_worker"))


def test_the_journal_is_migrated_once_and_the_demo_login_is_logged_once(pair: Server) -> None:
    events = Counter(json.loads(line)["event"] for line in pair.log.read_text().splitlines())

    assert (events["journal migrated"], events[DEMO]) == (1, 1)


def test_the_rows_of_both_are_all_in_the_journal_and_counted_together(pair: Server) -> None:
    misses, rows = pair.metric(MISSES), pair.metric(ROWS)
    with Load(pair, callers=8) as load:
        load.more(300)

    assert set(load.answers.values()) == {200}
    assert load.stored() == Counter(load.acknowledged)
    eventually(lambda: pair.metric(MISSES) - misses == len(load.acknowledged))
    assert pair.metric(ROWS) - rows == len(load.acknowledged)
    eventually(lambda: pool_workers_are_counted(pair))


def test_a_revoked_token_is_rejected_by_all_workers_and_after_a_restart(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_WORKERS="2")
    # Each request has a connection of its own, and with it any of the workers.
    headers = {**server.login(), "Connection": "close"}

    def is_rejected() -> bool:
        return all(server.client.get("/history", headers=headers).status_code == 401 for _ in range(10))

    assert server.client.get("/history", headers=headers).status_code == 200
    assert server.client.post("/logout", headers=headers).status_code == 204
    eventually(is_rejected, 3)
    server.stop()
    server.start()

    assert is_rejected()


@pytest.mark.slow
def test_counters_do_not_decrease_when_a_killed_worker_is_replaced(pair: Server) -> None:
    workers, start = {worker.pid for worker in pair.web_workers}, pair.metric(MISSES)
    with Load(pair, callers=8) as load:
        load.more(100)
        before = pair.metric(MISSES)
        pair.web_workers[0].kill()
        eventually(lambda: len({worker.pid for worker in pair.web_workers} - workers) == 1, 30)
        load.more(100)

    assert before - start >= 100
    assert pair.metric(MISSES) - start >= len(load.acknowledged)
    assert load.acknowledged <= set(load.stored())
    eventually(lambda: pool_workers_are_counted(pair), 30)


@pytest.mark.slow
def test_a_killed_journal_process_is_replaced_for_both_and_every_request_is_stored_once(pair: Server) -> None:
    restarts, killed = pair.metric(RESTARTS), set()
    with Load(pair, callers=8) as load:
        for _ in range(3):
            load.more(100)
            process = eventually(lambda: [other for other in pair.processes(JOURNAL) if other.pid not in killed])[0]
            killed.add(process.pid)
            process.kill()
        load.more(100)

    assert set(load.answers.values()) == {200}
    assert load.stored() == Counter(load.acknowledged)
    eventually(lambda: pair.metric(RESTARTS) - restarts == 3)
