"""Faults of the service's own processes and of its disk."""

import time
from collections.abc import Callable
from contextlib import closing, suppress

import psutil

from tests.chaos import disk
from tests.chaos.environment import COMPUTE, JOURNAL, Environment, holds
from tests.chaos.faults import LOST_CONNECTION, SOON_SECONDS, Fault, Inject, RecoveryCheck
from tests.chaos.load import Client
from tests.chaos.request_mix import power
from tests.chaos.responses import JOURNAL_UNAVAILABLE
from tests.chaos.token_clock import skew_clock

_JUMP_SECONDS = 7200
# Its record is larger than most others and does not fit into the last gaps of a full disk.
_LONG = power(10, 900).request("probe")


def _kill_web_worker(environment: Environment, seconds: float) -> RecoveryCheck:
    worker = environment.server.web_workers[0]
    children = worker.children()
    worker.kill()
    _, alive = psutil.wait_procs(children, SOON_SECONDS)
    assert not alive, f"processes of a killed web worker still run: {alive}"
    return environment.is_healthy


def _kill_repeatedly(module: str) -> Inject:
    def inject(environment: Environment, seconds: float) -> RecoveryCheck:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(lambda: bool(environment.server.processes(module)), SOON_SECONDS), f"no {module} is restarted"
            for process in environment.server.processes(module)[:1]:
                # A fault of Kafka kills the process of the relay at the same time.
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    process.wait(SOON_SECONDS)
        return environment.is_healthy

    return inject


def _fill_disk(environment: Environment, seconds: float) -> RecoveryCheck:
    with closing(environment.client("prober")) as probe, disk.full(environment.data) as fill:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert holds(lambda: _is_rejected(probe, fill), SOON_SECONDS), "results are returned while the disk is full"
            time.sleep(0.1)
    return environment.is_healthy


def _is_rejected(probe: Client, fill: Callable[[], None]) -> bool:
    """Whether the request fails; a rotated log file frees space, and a result returned then is stored."""
    fill()
    outcome, _ = probe.send(_LONG)
    return outcome.problem == JOURNAL_UNAVAILABLE


def _jump_ahead(environment: Environment, seconds: float) -> RecoveryCheck:
    environment.clock.set_ahead(_JUMP_SECONDS)
    try:
        time.sleep(seconds)
    finally:
        environment.clock.set_ahead(0)
    published = environment.published()
    return lambda: environment.is_healthy() and published()


def _rotate_log(environment: Environment, seconds: float) -> RecoveryCheck:
    """Do what logrotate does with the option `create`."""
    log = environment.data / "requests.log"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        log.rename(log.with_name(f"{log.name}.moved-{time.monotonic_ns()}"))
        log.touch()
        time.sleep(0.5)
    return environment.is_healthy


SERVICE = (
    Fault("web worker killed", _kill_web_worker, frozenset({LOST_CONNECTION})),
    Fault("journal process killed", _kill_repeatedly(JOURNAL), frozenset({503})),
    Fault("pool workers killed", _kill_repeatedly(COMPUTE), frozenset({503})),
    Fault("journal disk full", _fill_disk, frozenset({503})),
    Fault("clock skew of tokens", skew_clock),
    Fault("clock two hours ahead, then back", _jump_ahead),
    Fault("request log rotated by another program", _rotate_log),
)
