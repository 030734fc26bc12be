"""How the service stops."""

import os
import signal
import threading
import time
from collections.abc import Callable

import httpx2
import psutil
import pytest

from tests.support.load import Load
from tests.support.server import Server, eventually

CALL = "/pow?base=2&exp=5"
# About a second of work.
LARGE = "/fact?n=600000"


class Call(threading.Thread):
    """One request in a thread of its own."""

    def __init__(self, server: Server, path: str) -> None:
        super().__init__()
        self._server = server
        self._path = path
        self._headers = {**server.login(), "Accept": "text/plain"}
        self.answer: httpx2.Response | None = None

    def run(self) -> None:
        with httpx2.Client(base_url=self._server.client.base_url, timeout=60) as client:
            self.answer = client.get(self._path, headers=self._headers)


def everything(server: Server) -> list[psutil.Process]:
    assert server.process is not None
    master = psutil.Process(server.process.pid)
    return [master, *master.children(recursive=True)]


def signalled(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def assert_ends(server: Server, processes: list[psutil.Process]) -> None:
    assert server.process is not None
    assert server.process.wait(20) == 0
    assert psutil.wait_procs(processes, timeout=5)[1] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_every_process_and_the_code_is_0(server: Server, number: signal.Signals) -> None:
    processes = everything(server)

    signalled(server, number)

    assert_ends(server, processes)


def test_control_c_on_a_terminal_reaches_all_processes_and_ends_them_well(server: Server) -> None:
    processes = everything(server)
    server.client.get(CALL, headers=server.login())
    assert server.process is not None

    os.killpg(server.process.pid, signal.SIGINT)

    assert_ends(server, processes)
    assert len(server.rows()) == 1


def test_while_it_drains_it_is_not_ready_and_still_answers_on_old_and_new_connections(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_SHUTDOWN_DELAY_SECONDS="4")
    headers = server.login()
    processes = everything(server)
    with httpx2.Client(base_url=server.client.base_url) as old:
        assert old.get(CALL, headers=headers).headers.get("Connection") != "close"

        signalled(server, signal.SIGTERM)

        unready = eventually(lambda: (answer := server.client.get("/readyz")).status_code == 503 and answer, 3)
        assert unready.json()["status"] == "draining"
        for client in (old, server.client):
            answer = client.get(CALL, headers=headers)
            assert (answer.status_code, answer.headers["Connection"]) == (200, "close")

    assert_ends(server, processes)
    assert len(server.rows()) == 3


def test_the_second_signal_ends_the_drain_at_once(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_SHUTDOWN_DELAY_SECONDS="60")
    processes = everything(server)
    signalled(server, signal.SIGTERM)
    eventually(lambda: server.client.get("/readyz").status_code == 503)

    signalled(server, signal.SIGTERM)

    assert_ends(server, processes)


def test_a_large_request_under_way_is_completed_and_stored(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="30", MATHOPS_SHUTDOWN_TIMEOUT_SECONDS="30")
    processes = everything(server)
    call = Call(server, LARGE)
    call.start()
    eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)

    signalled(server, signal.SIGTERM)
    call.join()

    assert call.answer is not None
    assert call.answer.status_code == 200
    assert len(call.answer.content) == int(server.rows("result_digits")[0][0])
    assert_ends(server, processes)


def test_a_request_that_takes_longer_than_the_time_to_end_does_not_hold_up_the_stop(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="60", MATHOPS_SHUTDOWN_TIMEOUT_SECONDS="1")
    processes = everything(server)
    for process in server.processes("mathops.processes.pool_worker"):
        process.suspend()
    call = Call(server, LARGE)
    call.start()
    eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)
    began = time.monotonic()

    signalled(server, signal.SIGTERM)

    assert_ends(server, processes)
    assert time.monotonic() - began < 15
    call.join()
    assert call.answer is None or call.answer.status_code >= 500
    assert server.rows("status", "status = 200") == []


def test_a_signal_under_load_loses_no_answered_request(server: Server) -> None:
    processes = everything(server)
    with Load(server) as load:
        load.more(100)
        signalled(server, signal.SIGTERM)
        assert_ends(server, processes)

    assert set(load.answers.values()) == {200}
    assert load.acknowledged == {row[0] for row in server.rows("request_id")}


def test_when_the_master_is_killed_nothing_lives_on(server: Server) -> None:
    processes = everything(server)
    assert server.process is not None

    server.process.kill()

    alive = psutil.wait_procs(processes, timeout=20)[1]
    for process in alive:
        process.kill()
    assert alive == []
