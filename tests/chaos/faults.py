"""Definition of a fault."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.chaos.environment import Environment

# True once the service has recovered.
RecoveryCheck = Callable[[], bool]
# Causes a fault for so many seconds and undoes it.
Inject = Callable[[Environment, float], RecoveryCheck]
# Takes the place of a status.
LOST_CONNECTION = None
# Time limit of everything that the service does by itself.
SOON_SECONDS = 20.0


class Fault(NamedTuple):
    """`allowed` are the statuses with which requests may end while the fault lasts."""

    name: str
    inject: Inject
    allowed: frozenset[int | None] = frozenset()


def lasting(
    begin: Callable[[Environment], object],
    end: Callable[[Environment], object],
    recovered: Callable[[Environment], RecoveryCheck],
) -> Inject:
    """A fault that begins, lasts and ends."""

    def inject(environment: Environment, seconds: float) -> RecoveryCheck:
        begin(environment)
        try:
            time.sleep(seconds)
        finally:
            end(environment)
        return recovered(environment)

    return inject
