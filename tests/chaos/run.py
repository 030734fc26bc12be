"""A complete run: load and faults, stop, start, stop, and the comparison of the stores."""

import re
import subprocess
import time
from pathlib import Path

import psutil

from tests.chaos import environment, schedule, stores
from tests.chaos.environment import Dependencies, Environment, holds
from tests.chaos.load import Load
from tests.chaos.readiness import ReadinessProbe, disagreements
from tests.chaos.verdict import Verdict, judge

_STOP_SECONDS = 40.0
_DRAIN_SECONDS = 180.0
# Log messages that show a defect of the service, such as a response with status 500.
_DEFECTS = re.compile(r"request failed|Exception in ASGI application|Exception in callback|never retrieved")


def run(folder: Path, seconds: float, seed: str, dependencies: Dependencies) -> Verdict:
    """Inject faults for `seconds`; `folder`/data must be a disk that can be filled."""
    with environment.running(folder, dependencies) as service:
        with Load(service.client, seed), ReadinessProbe(service.server.port) as readiness:
            injections = schedule.inject_faults(service, seconds, seed)
        findings = [*_stop(service, "after the load"), *_drain(service), *_stop(service, "after publishing")]
        return judge(
            service.outcomes,
            injections,
            faults=[
                fault
                for faults in schedule.faults_by_target(postgresql=service.journal.pair is not None).values()
                for fault in faults
            ],
            rows=service.journal.rows(),
            lines=stores.read_log(service.data / "requests.log"),
            events=stores.read_topic(service.kafka, service.topic),
            others=[*findings, *disagreements(readiness.samples, service.outcomes), *_damage(service)],
        )


def _stop(service: Environment, when: str) -> list[str]:
    processes = service.processes()
    try:
        code = service.server.stop(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.server.kill()
        return [f"stop {when}: it took more than {_STOP_SECONDS:g} s"]
    _, alive = psutil.wait_procs(processes, schedule.RECOVERY_SECONDS)
    return [
        *([f"stop {when}: exit code {code}"] if code else []),
        *(f"stop {when}: {process} still runs" for process in alive),
    ]


def _drain(service: Environment) -> list[str]:
    service.server.start()
    started = time.monotonic()
    if holds(service.published(), _DRAIN_SECONDS):
        return []
    return [f"outbox: only {service.outbox()} published after {time.monotonic() - started:.0f} s"]


def _damage(service: Environment) -> list[str]:
    logged = [line for line in service.server.log.read_text().splitlines() if _DEFECTS.search(line)]
    return [
        *(f"journal: integrity: {error}" for error in service.journal.damage()),
        *(f"service log: {line[:500]}" for line in logged),
    ]
