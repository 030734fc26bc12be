"""Shutdown of the service."""

import os
import signal
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse

import httpx2
import psutil
import pytest

from tests.support.load import Load
from tests.support.server import Server, eventually

CALL = "/pow?base=2&exp=5"
# About a second of work.
LARGE = "/fact?n=600000"


class Call(threading.Thread):
    """One request in its own thread."""

    def __init__(self, server: Server, path: str) -> None:
        super().__init__()
        self._server = server
        self._path = path
        self._headers = {**server.login(), "Accept": "text/plain"}
        self.answer: httpx2.Response | None = None

    def run(self) -> None:
        with httpx2.Client(base_url=self._server.client.base_url, timeout=60) as client:
            self.answer = client.get(self._path, headers=self._headers)


def all_processes(server: Server) -> list[psutil.Process]:
    assert server.process is not None
    master = psutil.Process(server.process.pid)
    return [master, *master.children(recursive=True)]


def send_signal(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def assert_ends(server: Server, processes: list[psutil.Process]) -> None:
    assert server.process is not None
    assert server.process.wait(20) == 0
    assert psutil.wait_procs(processes, timeout=5)[1] == []


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=pytest.mark.measured), signal.SIGINT, signal.SIGQUIT, signal.SIGHUP],
)
def test_a_signal_ends_every_process_and_the_code_is_0(server: Server, number: signal.Signals) -> None:
    processes = all_processes(server)

    send_signal(server, number)

    assert_ends(server, processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_of_the_terminal_to_the_process_group_ends_all_processes_gracefully(
    server: Server, number: signal.Signals
) -> None:
    processes = all_processes(server)
    server.client.get(CALL, headers=server.login())
    assert server.process is not None

    os.killpg(server.process.pid, number)

    assert_ends(server, processes)
    assert len(server.rows()) == 1
    log = server.log.read_text()
    assert "Application shutdown complete" in log
    assert "error" not in log.lower().replace("gunicorn.error", "").replace("uvicorn.error", "")


def test_a_service_started_by_nohup_survives_the_end_of_its_terminal(server: Server) -> None:
    assert server.stop() == 0
    server.start(before=["nohup"])
    processes = all_processes(server)
    assert server.process is not None

    os.killpg(server.process.pid, signal.SIGHUP)

    assert server.client.get(CALL, headers=server.login()).status_code == 200
    assert all_processes(server) == processes
    assert server.stop() == 0


@pytest.mark.measured
def test_a_draining_server_is_not_ready_and_answers_on_old_and_new_connections(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_SHUTDOWN_DELAY_SECONDS="3")
    headers = server.login()
    processes = all_processes(server)
    with httpx2.Client(base_url=server.client.base_url) as old:
        assert old.get(CALL, headers=headers).headers.get("Connection") != "close"

        send_signal(server, signal.SIGTERM)

        unready = eventually(lambda: (answer := server.client.get("/readyz")).status_code == 503 and answer, 3)
        assert unready.json()["status"] == "draining"
        for client in (old, server.client):
            answer = client.get(CALL, headers=headers)
            assert (answer.status_code, answer.headers["Connection"]) == (200, "close")

    assert_ends(server, processes)
    assert len(server.rows()) == 3


def test_the_second_signal_ends_the_drain_at_once(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_SHUTDOWN_DELAY_SECONDS="60")
    processes = all_processes(server)
    send_signal(server, signal.SIGTERM)
    eventually(lambda: server.client.get("/readyz").status_code == 503)

    send_signal(server, signal.SIGTERM)

    assert_ends(server, processes)


def test_a_large_request_in_progress_is_completed_and_stored(start_server: Callable[..., Server]) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="30", MATHOPS_SHUTDOWN_TIMEOUT_SECONDS="30")
    processes = all_processes(server)
    call = Call(server, LARGE)
    call.start()
    eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)

    send_signal(server, signal.SIGTERM)
    call.join()

    assert call.answer is not None
    assert call.answer.status_code == 200
    assert len(call.answer.content) == int(server.rows("result_digits")[0][0])
    assert_ends(server, processes)


@pytest.mark.measured
def test_a_request_longer_than_the_shutdown_timeout_is_rejected_and_stored(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_COMPUTE_DEADLINE_SECONDS="60", MATHOPS_SHUTDOWN_TIMEOUT_SECONDS="1")
    processes = all_processes(server)
    for process in server.processes("mathops.processes.pool_worker"):
        process.suspend()
    call = Call(server, LARGE)
    call.start()
    eventually(lambda: server.metric("mathops_pool_busy_workers") == 1)
    began = time.monotonic()

    send_signal(server, signal.SIGTERM)

    assert_ends(server, processes)
    assert time.monotonic() - began < 15
    call.join()
    assert call.answer is not None
    assert call.answer.json()["type"] == "/problems/service-stopping"
    assert server.rows("status, problem") == [(503, "service-stopping")]


def test_a_signal_under_load_loses_no_answered_request(server: Server) -> None:
    processes = all_processes(server)
    with Load(server) as load:
        load.more(100)
        send_signal(server, signal.SIGTERM)
        assert_ends(server, processes)

    assert set(load.answers.values()) == {200}
    assert load.acknowledged == {row[0] for row in server.rows("request_id")}


def test_idle_connections_accept_one_more_request_after_a_signal(server: Server) -> None:
    processes = all_processes(server)
    connections = [HTTPConnection("127.0.0.1", server.port) for _ in range(20)]
    statuses = []

    def call(connection: HTTPConnection) -> HTTPResponse:
        connection.request("GET", "/livez")
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        return response

    for connection in connections:
        call(connection)
    send_signal(server, signal.SIGTERM)
    eventually(lambda: call(connections[0]).will_close)
    for connection in connections[1:]:
        assert call(connection).will_close
        time.sleep(0.02)

    assert set(statuses) == {200}
    assert_ends(server, processes)


def test_all_processes_end_when_the_master_is_killed(server: Server) -> None:
    processes = all_processes(server)
    assert server.process is not None

    server.process.kill()

    alive = psutil.wait_procs(processes, timeout=20)[1]
    for process in alive:
        process.kill()
    assert alive == []
