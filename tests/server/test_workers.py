"""Several web workers on one journal."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.load import Load
from tests.support.server import Server, eventually

ASKED = 'mathops_operations_total{cache="miss",operation="pow",outcome="ok"}'


@pytest.fixture
def pair(start_server: Callable[..., Server]) -> Server:
    # Without a cache each request is a miss.
    return start_server(MATHOPS_WORKERS="2", MATHOPS_CACHE_BYTES="0")


def test_the_journal_is_migrated_once(pair: Server) -> None:
    events = [json.loads(line)["event"] for line in pair.log.read_text().splitlines()]

    assert events.count("journal migrated") == 1


def test_the_rows_of_both_are_all_in_the_journal_and_counted_together(pair: Server) -> None:
    with Load(pair, callers=8) as load:
        load.more(300)

    assert set(load.answers.values()) == {200}
    assert Counter(row[0] for row in pair.rows("request_id")) == Counter(load.acknowledged)
    eventually(lambda: pair.metric(ASKED) == len(load.acknowledged))
    assert pair.metric("mathops_journal_rows_total") == len(load.acknowledged)
    assert pair.metric("mathops_pool_workers") == len(pair.processes("mathops.processes.pool_worker"))


def test_counters_do_not_go_back_when_a_worker_is_killed_and_another_takes_its_place(pair: Server) -> None:
    before = {worker.pid for worker in pair.web_workers}
    with Load(pair, callers=8) as load:
        load.more(100)
        asked = pair.metric(ASKED)
        pair.web_workers[0].kill()
        eventually(lambda: len({worker.pid for worker in pair.web_workers} - before) == 1, 20)
        load.more(100)

    assert asked >= 100
    assert pair.metric(ASKED) >= len(load.acknowledged)
    assert load.acknowledged <= {row[0] for row in pair.rows("request_id")}
    eventually(lambda: pair.metric("mathops_pool_workers") == len(pair.processes("mathops.processes.pool_worker")))
