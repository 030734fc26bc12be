"""When which fault is made: several lanes at once, each in an order of its own that the seed decides."""

import threading
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.chaos.faults import Fault
from tests.chaos.neighbour_faults import KAFKA, REDIS
from tests.chaos.scene import Scene, holds
from tests.chaos.service_faults import SERVICE

# Faults of several lanes meet; those of one lane never do.
LANES: dict[str, Sequence[Fault]] = {"service": SERVICE, "redis": REDIS, "kafka": KAFKA}
RECOVERY_SECONDS = 60.0
_MOST_HELD_SECONDS = 12.0


class Episode(NamedTuple):
    """A fault as it was made (monotonic seconds); `recovered` is None where the service did not come back."""

    fault: Fault
    began: float
    lifted: float
    recovered: float | None
    wrong: str | None = None

    def excuses(self, status: int | None, began: float, ended: float) -> bool:
        """Whether it may be the cause that a request of that time ended so."""
        until = self.lifted + RECOVERY_SECONDS if self.recovered is None else self.recovered
        return status in self.fault.excuses and began <= until and ended >= self.began


def run(scene: Scene, seconds: float, seed: str) -> list[Episode]:
    """Make faults for so many seconds, and each of them once at least."""
    end = time.monotonic() + seconds
    held = min(_MOST_HELD_SECONDS, seconds / 20)
    episodes: list[Episode] = []

    def go(faults: Sequence[Fault], random: Random) -> None:
        pending = random.sample(faults, len(faults))
        while pending or time.monotonic() < end:
            fault = pending.pop() if pending else random.choice(faults)
            episodes.append(_made(scene, fault, random.uniform(1, held)))
            time.sleep(random.uniform(0, held))

    threads = [
        threading.Thread(target=go, args=(faults, Random(f"{seed} {name}")), name=name)
        for name, faults in LANES.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(episodes, key=lambda episode: episode.began)


def _made(scene: Scene, fault: Fault, seconds: float) -> Episode:
    began = time.monotonic()
    try:
        well = fault.act(scene, seconds)
    except Exception as error:  # a fault that cannot be made proves nothing, whatever the reason
        now = time.monotonic()
        return Episode(fault, began, now, None, f"{type(error).__name__}: {error}")
    lifted = time.monotonic()
    recovered = time.monotonic() if holds(well, RECOVERY_SECONDS) else None
    return Episode(fault, began, lifted, recovered)
