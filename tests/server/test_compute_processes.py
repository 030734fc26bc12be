"""The computing processes of a running service."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psutil

from tests.support.server import Server, eventually

COMPUTE = "mathops.processes.pool_worker"


def test_none_computes_on_when_the_web_worker_is_killed(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="120")
    headers = {**server.login(), "Accept": "text/plain"}
    orphans = server.processes(COMPUTE)
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(httpx2.get, f"{server.client.base_url}/fact?n=1000000", headers=headers, timeout=60)
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
    assert server.metric('mathops_pool_worker_exits_total{reason="died"}') == 1
