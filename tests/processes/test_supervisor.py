import time

import psutil
import pytest

from mathops.processes.supervisor import RESTART_SECONDS, ProcessSupervisor
from tests.support.child_processes import until

pytestmark = pytest.mark.anyio


class Supervised:
    """A supervisor of a process that does not need arguments, and its history."""

    def __init__(self, module: str) -> None:
        self.frames: list[bytes] = []
        self.deaths: list[float] = []
        self.supervisor = ProcessSupervisor(module, self.frames.append, lambda: [b"first", b"second"], self.died)

    def died(self) -> None:
        self.deaths.append(time.monotonic())


ECHO = "tests.support.echo_process"


async def test_a_process_that_dies_is_replaced_and_gets_the_first_frames_again() -> None:
    echo = Supervised(ECHO)
    async with echo.supervisor.running(20):
        echo.supervisor.child.send(b"third")
        await until(lambda: echo.frames == [b"first", b"second", b"third"])
        first = echo.supervisor.child.pid

        psutil.Process(first).kill()

        await until(lambda: echo.frames[3:] == [b"first", b"second"])
        assert echo.supervisor.child.pid != first
        assert len(echo.deaths) == 1


async def test_the_last_frames_are_processed_before_the_end() -> None:
    echo = Supervised(ECHO)

    async with echo.supervisor.running(20):
        echo.supervisor.child.send(b"last")

    assert echo.frames == [b"first", b"second", b"last"]
    assert not psutil.pid_exists(echo.supervisor.child.pid)


async def test_a_process_that_dies_at_its_start_is_not_restarted_in_a_tight_loop() -> None:
    broken = Supervised("tests.no_such_module")

    async with broken.supervisor.running(20):
        await until(lambda: len(broken.deaths) == 4)

    pauses = [later - earlier for earlier, later in zip(broken.deaths[1:], broken.deaths[2:], strict=False)]
    assert min(pauses) >= RESTART_SECONDS


async def test_a_process_that_has_worked_is_restarted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathops.processes.supervisor.RESTART_SECONDS", 3600)
    echo = Supervised(ECHO)
    async with echo.supervisor.running(20):
        for _ in range(3):
            await until(lambda: echo.frames == [b"first", b"second"])
            echo.frames.clear()
            echo.supervisor.reset_backoff()
            echo.supervisor.child.kill()
        await until(lambda: echo.frames == [b"first", b"second"])
