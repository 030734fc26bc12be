"""The recipe of CONTRIBUTING.md adds a working operation."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.recipe import extended_server
from tests.support.server import Server, eventually


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with extended_server(tmp_path_factory.mktemp("recipe")) as server:
        yield server


def test_the_new_operation_is_served_documented_and_recorded(extended: Server) -> None:
    answer = extended.client.get("/prime-count?n=100", headers=extended.login())

    assert answer.json() == {"operation": "primes", "parameters": {"n": "100"}, "result": "25", "digits": 2}
    assert {"/primes", "/prime-count"} <= set(extended.client.get("/openapi.json").json()["paths"])
    assert extended.rows("operation, result", "operation = 'primes' AND result = '25'") == [("primes", "25")]
    assert extended.run("primes", "100").stdout == "25\n"


@pytest.mark.slow
def test_a_costly_operation_ends_at_the_deadline_while_the_worker_answers(extended: Server) -> None:
    token = extended.login()
    pauses: list[float] = []
    statuses: list[int] = []
    caller = threading.Thread(
        target=lambda: statuses.append(extended.client.get("/primes?n=9000000", headers=token).status_code)
    )

    caller.start()
    while caller.is_alive():
        began = time.monotonic()
        assert extended.client.get("/livez").status_code == 200
        pauses.append(time.monotonic() - began)
    caller.join()

    assert statuses == [504]
    # A computation in the web worker would take minutes and leave room for one answer.
    assert len(pauses) > 10
    eventually(lambda: extended.client.get("/primes?n=10", headers=token).status_code == 200)


def test_a_hopeless_computation_is_rejected_at_once(extended: Server) -> None:
    headers = extended.login()
    began = time.monotonic()
    answer = extended.client.get("/primes?n=1000000000", headers=headers)

    assert answer.status_code == 504
    assert answer.json()["detail"] == "the computation takes about 500 s and the deadline is 1 s; send smaller numbers"
    # The deadline.
    assert time.monotonic() - began < 1
