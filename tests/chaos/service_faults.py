"""Faults of the service's own processes and of its disk."""

import time
from collections.abc import Callable
from contextlib import closing, suppress

import psutil

from tests.chaos import disk
from tests.chaos.answers import WITHHELD
from tests.chaos.asks import power
from tests.chaos.clock import move_clock
from tests.chaos.faults import LOST_CONNECTION, SOON_SECONDS, Act, Fault, Well
from tests.chaos.load import Caller
from tests.chaos.scene import COMPUTE, JOURNAL, Scene, holds

# More bytes in the journal than most other requests, so that the last gaps of a full disk do not hold it.
_LONG = power(10, 900).ask("probe")


def _kill_web_worker(scene: Scene, seconds: float) -> Well:
    worker = scene.server.web_workers[0]
    children = worker.children()
    worker.kill()
    _, alive = psutil.wait_procs(children, SOON_SECONDS)
    assert not alive, f"processes of a killed web worker live on: {alive}"
    return scene.whole


def _kill_again_and_again(module: str) -> Act:
    def act(scene: Scene, seconds: float) -> Well:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(lambda: bool(scene.server.processes(module)), SOON_SECONDS), f"no {module} is started again"
            for process in scene.server.processes(module)[:1]:
                # The lane of Kafka kills the relay's.
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    process.wait(SOON_SECONDS)
        return scene.whole

    return act


def _fill_disk(scene: Scene, seconds: float) -> Well:
    with closing(scene.caller("prober")) as probe, disk.full(scene.data) as fill:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(lambda: _withheld(probe, fill), SOON_SECONDS), "results are given while the disk is full"
            time.sleep(0.1)
    return scene.whole


def _withheld(probe: Caller, fill: Callable[[], None]) -> bool:
    """Whether there is no room; a log file that is rotated away makes some, and a result given then is stored."""
    fill()
    outcome, _ = probe.ask(_LONG)
    return outcome.problem == WITHHELD


SERVICE = (
    Fault("web worker killed", _kill_web_worker, frozenset({LOST_CONNECTION})),
    Fault("journal processes killed", _kill_again_and_again(JOURNAL), frozenset({503})),
    Fault("computing processes killed", _kill_again_and_again(COMPUTE), frozenset({503})),
    Fault("disk of the journal full", _fill_disk, frozenset({503})),
    Fault("clock of tokens moved", move_clock),
)
