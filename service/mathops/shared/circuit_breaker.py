"""A time limit and a breaker around a dependency that may be away, so that its faults cost requests little.

While the breaker is open no request waits: the dependency is tried again in the background.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger

Answer = TypeVar("Answer")

# Consecutive failures that open the breaker, and how long it then stays open at least.
FAILURES = 5
COOL_DOWN_SECONDS = 1.0
# A dependency that fails now and then, when full for instance, is told of for so long.
_VISIBLE_SECONDS = 10.0

log = get_logger(__name__)


class DependencyUnavailable(Exception):
    """The dependency gave no usable answer in time."""


class CorruptReply(Exception):
    """The dependency answered what nobody can have stored."""


class CircuitBreaker:
    """Asks one dependency, each request for at most `seconds`; answers slower than `slow` are failures too.

    `reason` names what went wrong for the counter `errors`; `probe` tries the dependency after a failure.
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], Awaitable[object]],
        reason: Callable[[Exception], str],
        errors: Any,
        *,
        seconds: float,
        slow: float | None = None,
    ) -> None:
        self._name = name
        self._probe = probe
        self._reason = reason
        self._errors = errors
        self._seconds = seconds
        self._slow = seconds if slow is None else min(slow, seconds)
        self._failures = 0
        self._fault = ""
        self._failed_at = 0.0
        self._recovery: asyncio.Task[None] | None = None
        metrics.CIRCUIT_BREAKER_OPEN.labels(name).set(0)

    async def call(self, request: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to `request`; raises DependencyUnavailable."""
        if self._recovery is not None:
            raise DependencyUnavailable(self._fault)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await request()
        except Exception as error:  # a client library meets garbage with whatever comes to its mind
            self._record_failure(self._reason(error), str(error) or type(error).__name__)
            raise DependencyUnavailable(self._fault) from error
        if time.monotonic() - started > self._slow:
            self._record_failure("slow", f"slower than {self._slow:g} s")
        else:
            self._failures = 0
        return answer

    def state(self) -> str:
        """`ok`, or what is wrong."""
        if self._recovery is None and (not self._fault or time.monotonic() - self._failed_at > _VISIBLE_SECONDS):
            return "ok"
        return self._fault

    async def close(self) -> None:
        """Stop trying."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.wait({self._recovery})

    def _record_failure(self, reason: str, fault: str) -> None:
        self._errors.labels(reason).inc()
        self._fault = f"{reason}: {fault}"
        self._failed_at = time.monotonic()
        # A full one still answers what it has, and fast.
        if reason != "full":
            self._failures += 1
        if self._failures >= FAILURES and self._recovery is None:
            log.warning("doing without a dependency", dependency=self._name, fault=self._fault)
            metrics.CIRCUIT_BREAKER_OPEN.labels(self._name).set(1)
            self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            await asyncio.sleep(COOL_DOWN_SECONDS)
            if await self._probe_succeeds():
                break
        log.warning("the dependency is back", dependency=self._name)
        metrics.CIRCUIT_BREAKER_OPEN.labels(self._name).set(0)
        self._failures = 0
        self._recovery = None

    async def _probe_succeeds(self) -> bool:
        try:
            # The first one may have to connect, which tells nothing of how fast answers come.
            for seconds in (self._seconds, self._slow):
                async with asyncio.timeout(seconds):
                    await self._probe()
        except Exception as error:  # as in call
            self._fault = f"{self._reason(error)}: {error}"
            return False
        return True
