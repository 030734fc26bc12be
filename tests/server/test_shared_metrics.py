"""The metrics of several web workers, when workers die, temporary files are deleted and disks are full."""

import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.disk import MountError, full, small_disk
from tests.support.server import Server, eventually

pytestmark = pytest.mark.timeout(120)

WORKERS = 2
REQUESTS = 'http_requests_total{method="GET",route="/pow",status="200"}'
COUNT = 'http_request_duration_seconds_count{method="GET",route="/pow"}'
IN_FLIGHT = "mathops_journal_in_flight_rows"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def small_temporary(tmp_path: Path) -> Iterator[Path]:
    """A folder of temporary files on a disk that can be filled."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(small_disk(tmp_path / "tmp", 0))
        except MountError as error:
            pytest.skip(str(error))


@pytest.fixture
def start(start_server: Callable[..., Server]) -> Callable[[Path], Server]:
    return lambda folder: start_server(MATHOPS_WORKERS=str(WORKERS), TMPDIR=str(folder))


def pages(server: Server) -> list[str]:
    """The page of metrics on connections of their own, and therefore from each of the workers."""
    answers = [server.client.get("/metrics", headers={"Connection": "close"}) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.text for answer in answers]


def values(server: Server, name: str) -> set[float]:
    found = [re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE) for page in pages(server)]
    return {float(match[1]) if match else 0.0 for match in found}


def send_requests(server: Server, number: int) -> None:
    """Requests with keys of their own, so that each worker answers some."""
    bearer = server.login()
    for _ in range(number):
        answer = server.client.get("/pow?base=2&exp=5", headers={**bearer, "Connection": "close"})
        assert answer.status_code == 200


def starts(server: Server) -> int:
    return server.log.read_text().count("Application startup complete")


def replace_workers(server: Server) -> None:
    for worker in server.web_workers:
        before = starts(server)
        worker.kill()
        eventually(partial(lambda number: starts(server) > number, before), 30)


def assert_totals_outlive(server: Server, fault: Callable[[], object]) -> None:
    """All workers report the same totals, which count every request before and after the fault."""
    send_requests(server, 20)
    eventually(lambda: values(server, REQUESTS) == {20})

    fault()
    replace_workers(server)
    assert values(server, REQUESTS) == {20}
    send_requests(server, 20)

    eventually(lambda: values(server, REQUESTS) == {40})
    assert values(server, COUNT) == {40}
    assert values(server, IN_FLIGHT) == {0}


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def test_totals_outlive_a_cleaner_of_temporary_files(start: Callable[[Path], Server], temporary: Path) -> None:
    server = start(temporary)

    assert_totals_outlive(server, lambda: empty(temporary))


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_totals_outlive_a_full_disk(start: Callable[[Path], Server], small_temporary: Path) -> None:
    server = start(small_temporary)

    with full(small_temporary):
        assert_totals_outlive(server, lambda: None)


def test_signals_start_no_more_workers_than_share_metrics(start: Callable[[Path], Server], temporary: Path) -> None:
    server = start(temporary)
    assert server.process is not None
    server.process.send_signal(signal.SIGTTOU)
    eventually(lambda: len(server.web_workers) == WORKERS - 1)
    for _ in range(WORKERS):
        server.process.send_signal(signal.SIGTTIN)
    eventually(lambda: len(server.web_workers) == WORKERS)

    assert_totals_outlive(server, lambda: None)
    assert len(server.web_workers) == WORKERS


def test_workers_and_killed_services_leave_no_temporary_files(start: Callable[[Path], Server], temporary: Path) -> None:
    server = start(temporary)
    for total in (4, 8, 12):
        send_requests(server, 4)
        # A worker counts a request after its response.
        eventually(partial(lambda number: values(server, REQUESTS) == {number}, total))
        replace_workers(server)
    assert values(server, REQUESTS) == {12}

    server.kill()

    assert list(temporary.iterdir()) == []
