"""The computing processes of a running service."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import lgamma, log

import httpx2
import psutil

from tests.process import Server, eventually

COMPUTE = "mathops.compute_worker"


def largest_factorial(digits: int) -> int:
    """The greatest n whose factorial has at most about so many digits, a little below to be sure."""
    low, high = 1, digits
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if lgamma(middle + 1) / log(10) < digits - 10 else (low, middle - 1)
    return low


def test_small_requests_are_answered_while_the_largest_ones_are_computed(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="120", MATHOPS_COMPUTE_QUEUE="10")
    headers = server.login()
    number = largest_factorial(6_000_000)

    def large(less: int) -> int:
        with httpx2.Client(base_url=server.client.base_url, timeout=120) as client:
            answer = client.get(f"/fact?n={number - less}", headers={**headers, "Accept": "text/plain"})
            assert answer.status_code == 200
            return len(answer.content)

    with ThreadPoolExecutor(10) as callers:
        lengths = [callers.submit(large, less) for less in range(10)]
        eventually(lambda: server.metric("mathops_pool_waiting") > 0)
        small = 0
        while not all(length.done() for length in lengths):
            assert server.client.get(f"/pow?base={small}&exp=5", headers=headers).status_code == 200
            small += 1

    assert small > 10
    assert all(5_999_000 < length.result() <= 6_000_000 for length in lengths)
    assert len(server.rows("id", "operation = 'fact' AND status = 200")) == 10


def test_none_computes_on_when_the_web_worker_is_killed(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="120")
    headers = {**server.login(), "Accept": "text/plain"}
    orphans = server.processes(COMPUTE)
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(
            httpx2.get, f"{server.client.base_url}/fact?n={largest_factorial(6_000_000)}", headers=headers, timeout=60
        )
        eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)

        server.web_workers[0].kill()

        assert psutil.wait_procs(orphans, timeout=10)[1] == []
        assert isinstance(call.exception(), httpx2.TransportError)


def test_a_killed_one_is_replaced_and_its_request_answered(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="120", MATHOPS_COMPUTE_WORKERS="1")
    headers = {**server.login(), "Accept": "text/plain"}
    (killed,) = server.processes(COMPUTE)
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(httpx2.get, f"{server.client.base_url}/fact?n=500000", headers=headers, timeout=60)
        eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)

        killed.kill()

        assert call.result().status_code == 200
    assert [process.pid for process in server.processes(COMPUTE)] != [killed.pid]
    assert server.metric('mathops_pool_lost_workers_total{reason="lost"}') == 1
