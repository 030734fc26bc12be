"""Schedules the faults: one thread for each target, with an order that the seed determines."""

import threading
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.chaos.dependency_faults import KAFKA, POSTGRESQL, REDIS
from tests.chaos.environment import Environment, holds
from tests.chaos.faults import Fault
from tests.chaos.service_faults import SERVICE

RECOVERY_SECONDS = 60.0
_MAX_SECONDS = 12.0


def faults_by_target(*, postgresql: bool) -> dict[str, Sequence[Fault]]:
    """Faults of different targets overlap; those of one target never do."""
    journal = POSTGRESQL if postgresql else ()
    return {"service and journal": (*SERVICE, *journal), "redis": REDIS, "kafka": KAFKA}


def faults_of(environment: Environment) -> dict[str, Sequence[Fault]]:
    return faults_by_target(postgresql=environment.journal.pair is not None)


class Injection(NamedTuple):
    """One occurrence of a fault (monotonic seconds); `recovered` is None if the service did not recover."""

    fault: Fault
    began: float
    ended: float
    recovered: float | None
    error: str | None = None

    def explains(self, status: int | None, began: float, ended: float) -> bool:
        """Whether the fault may be the cause of this status at this time."""
        return status in self.fault.allowed and self.active(began, ended)

    def active(self, began: float, ended: float) -> bool:
        """Whether the fault or the recovery from it overlaps this time."""
        until = self.ended + RECOVERY_SECONDS if self.recovered is None else self.recovered
        return began <= until and ended >= self.began


def inject_faults(environment: Environment, seconds: float, seed: str) -> list[Injection]:
    """Inject faults for `seconds`, and each of them at least once."""
    end = time.monotonic() + seconds
    longest = min(_MAX_SECONDS, seconds / 20)
    injections: list[Injection] = []

    def run(faults: Sequence[Fault], random: Random) -> None:
        pending = random.sample(faults, len(faults))
        while pending or time.monotonic() < end:
            fault = pending.pop() if pending else random.choice(faults)
            injections.append(_inject(environment, fault, random.uniform(1, longest)))
            time.sleep(random.uniform(0, longest))

    threads = [
        threading.Thread(target=run, args=(faults, Random(f"{seed} {name}")), name=name)
        for name, faults in faults_of(environment).items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(injections, key=lambda injection: injection.began)


def _inject(environment: Environment, fault: Fault, seconds: float) -> Injection:
    began = time.monotonic()
    try:
        is_recovered = fault.inject(environment, seconds)
    except Exception as error:  # without the fault the run proves nothing, whatever the reason
        now = time.monotonic()
        return Injection(fault, began, now, None, f"{type(error).__name__}: {error}")
    ended = time.monotonic()
    recovered = time.monotonic() if holds(is_recovered, RECOVERY_SECONDS) else None
    return Injection(fault, began, ended, recovered)
