"""The pool workers of a running service."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import psutil
import pytest

from tests.support.server import Server, eventually, running

POOL_WORKER = "mathops.processes.pool_worker"
DIED = 'mathops_pool_worker_exits_total{reason="died"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "120", "MATHOPS_COMPUTE_WORKERS": "1"}
    with running(tmp_path_factory.mktemp("server"), **variables) as server:
        yield server


@contextmanager
def computing(server: Server, n: int) -> Iterator[Future[httpx2.Response]]:
    """A request for n! that a pool worker is computing."""
    headers = {**server.login(), "Accept": "text/plain"}
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(httpx2.get, f"{server.client.base_url}/fact?n={n}", headers=headers, timeout=60)
        eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)
        yield call


def test_pool_workers_end_when_their_web_worker_is_killed(server: Server) -> None:
    orphans = server.processes(POOL_WORKER)
    with computing(server, 1_000_000) as call:
        server.web_workers[0].kill()

        assert psutil.wait_procs(orphans, timeout=10)[1] == []
        assert isinstance(call.exception(), httpx2.TransportError)
    eventually(server.answers, 30)
    eventually(lambda: server.metric("mathops_pool_workers") == 1, 30)


def test_a_killed_pool_worker_is_replaced_and_its_request_is_answered(server: Server) -> None:
    (killed,) = server.processes(POOL_WORKER)
    died = server.metric(DIED)
    with computing(server, 500_000) as call:
        killed.kill()

        assert call.result().status_code == 200
    assert [process.pid for process in server.processes(POOL_WORKER)] != [killed.pid]
    assert server.metric(DIED) - died == 1
