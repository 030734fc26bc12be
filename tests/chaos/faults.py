"""What a fault is."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.chaos.scene import Scene

# The claim that all is well again.
Well = Callable[[], bool]
# Does something for so many seconds and undoes it.
Act = Callable[[Scene, float], Well]
# In the place of a status.
LOST_CONNECTION = None
# How long anything may take that the service does by itself.
SOON_SECONDS = 20.0


class Fault(NamedTuple):
    """`excuses` are the statuses with which requests may end while it lasts."""

    name: str
    act: Act
    excuses: frozenset[int | None] = frozenset()


def lasting(do: Callable[[Scene], object], undo: Callable[[Scene], object], well: Callable[[Scene], Well]) -> Act:
    """A fault that is begun, left alone, and ended."""

    def act(scene: Scene, seconds: float) -> Well:
        do(scene)
        try:
            time.sleep(seconds)
        finally:
            undo(scene)
        return well(scene)

    return act
