"""The whole: load and faults, a stop, a start, a stop, and the comparison."""

import re
import subprocess
import time
from pathlib import Path

import psutil

from mathops.journal import database
from tests.chaos import lanes, scene, stores
from tests.chaos.load import Load
from tests.chaos.scene import Neighbours, Scene, holds
from tests.chaos.verdict import Verdict, judge

_STOP_SECONDS = 40.0
_DRAIN_SECONDS = 180.0
# What the service logs of a fault of its own, as when it answers 500.
_OWN_FAULTS = re.compile(r"request failed|Exception in ASGI application|Exception in callback|never retrieved")


def run(folder: Path, seconds: float, seed: str, neighbours: Neighbours) -> Verdict:
    """Run for that long in `folder`, whose folder `data` is a disk of its own, to be filled."""
    with scene.opened(folder, neighbours) as opened:
        with Load(opened.caller, seed):
            episodes = lanes.run(opened, seconds, seed)
        others = [*_end(opened, "after the load"), *_drain(opened), *_end(opened, "after it was drained")]
        return judge(
            opened.outcomes,
            episodes,
            rows=stores.journal(opened.data / "mathops.db"),
            lines=stores.log_lines(opened.data / "requests.log"),
            events=stores.topic(opened.kafka, opened.topic),
            others=[*others, *_damage(opened)],
        )


def _end(opened: Scene, when: str) -> list[str]:
    processes = opened.processes()
    try:
        code = opened.server.stop(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        opened.server.kill()
        return [f"stop {when}: it took more than {_STOP_SECONDS:g} s"]
    _, alive = psutil.wait_procs(processes, lanes.RECOVERY_SECONDS)
    return [
        *([f"stop {when}: exit code {code}"] if code else []),
        *(f"stop {when}: {process} lives on" for process in alive),
    ]


def _drain(opened: Scene) -> list[str]:
    opened.server.start()
    begun = time.monotonic()
    if holds(opened.published(), _DRAIN_SECONDS):
        return []
    return [f"outbox: {opened.outbox()} is all that is published after {time.monotonic() - begun:.0f} s"]


def _damage(opened: Scene) -> list[str]:
    engine = database.writer_engine(f"sqlite:///{opened.data / 'mathops.db'}")
    logged = [line for line in opened.server.log.read_text().splitlines() if _OWN_FAULTS.search(line)]
    return [
        *(f"journal: integrity: {fault}" for fault in database.integrity(engine)),
        *(f"service log: {line[:500]}" for line in logged),
    ]
