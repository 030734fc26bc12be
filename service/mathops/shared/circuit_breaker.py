"""Circuit breaker with a timeout for optional dependencies such as Redis.

A background task probes the dependency while the breaker is open, so that no request waits for it, and while no request
calls it, so that a failure is reported.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeVar

from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

Reply = TypeVar("Reply")

# Consecutive failures that open the breaker.
MAX_FAILURES = 5
# How long an intermittent failure stays visible in /readyz.
_VISIBLE_SECONDS = 10.0

log = get_logger(__name__)


class DependencyUnavailable(Exception):
    """The dependency failed, timed out, or is not called because its breaker is open."""


@dataclass(eq=False)
class CircuitBreaker:
    """Limits each call to `timeout_seconds`; MAX_FAILURES consecutive failures or slow replies open it.

    `reason` maps an exception to a label of the counter `errors`. An open breaker closes once `probe`, called every
    `probe_interval` seconds after `reset`, succeeds. A closed one probes after `idle_seconds` without a call.
    """

    name: str
    probe: Callable[[], Awaitable[object]]
    reason: Callable[[Exception], str]
    errors: Any
    _: KW_ONLY
    timeout_seconds: float
    reset: Callable[[], Awaitable[object]] | None = None
    slow_seconds: float = math.inf
    probe_interval: float = 1.0
    idle_seconds: float = 5.0
    tracing: AnyTracing = NO_TRACING
    _failures: int = field(default=0, init=False)
    _reason: str = field(default="", init=False)
    _error: str = field(default="", init=False)
    _failed_at: float = field(default=-math.inf, init=False)
    _slow_at: float = field(default=-math.inf, init=False)
    _called_at: float = field(default=-math.inf, init=False)
    _watch: asyncio.Task[None] = field(init=False)
    # Present while the breaker is open.
    _recovery: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.slow_seconds = min(self.slow_seconds, self.timeout_seconds)
        metrics.CIRCUIT_BREAKER_OPEN.labels(self.name).set(0)
        self._watch = asyncio.create_task(self._probe_when_idle())

    async def call(self, request: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply to `request`; raises DependencyUnavailable."""
        if self._recovery is not None:
            raise DependencyUnavailable(self._error)
        self._called_at = started = time.monotonic()
        try:
            with self.tracing.span(self.name):
                async with asyncio.timeout(self.timeout_seconds):
                    reply = await request()
        except Exception as error:  # client libraries raise exceptions of any type for invalid replies
            self._record_failure(self.reason(error), str(error) or type(error).__name__)
            raise DependencyUnavailable(self._error) from error
        if time.monotonic() - started > self.slow_seconds:
            self._record_slow_reply(started)
        else:
            self._failures = 0
        return reply

    def state(self) -> str:
        """`ok`, or the reason of the current error, whose text may name hosts."""
        if self._recovery is None and time.monotonic() - self._failed_at > _VISIBLE_SECONDS:
            return "ok"
        return self._reason

    async def close(self) -> None:
        tasks = {self._watch, *([self._recovery] if self._recovery else [])}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def _record_slow_reply(self, started: float) -> None:
        # Concurrent calls share a round trip, so that a slow one is a single failure.
        counted = started >= self._slow_at
        if counted:
            self._slow_at = time.monotonic()
        self._record_failure("slow", f"slower than {self.slow_seconds:g} s", counted=counted)

    def _record_failure(self, reason: str, error: str, *, counted: bool = True) -> None:
        self.errors.labels(reason).inc()
        self._reason, self._error = reason, f"{reason}: {error}"
        # A slow reply on a busy machine is no failure; several in a row open the breaker.
        if reason != "slow":
            self._failed_at = time.monotonic()
        # A full Redis rejects writes but still serves reads quickly.
        if reason != "full" and counted:
            self._failures += 1
        if self._failures >= MAX_FAILURES and self._recovery is None:
            log.warning("circuit breaker opened", dependency=self.name, error=self._error)
            metrics.CIRCUIT_BREAKER_OPEN.labels(self.name).set(1)
            self._recovery = asyncio.create_task(self._recover())

    async def _probe_when_idle(self) -> None:
        while True:
            await asyncio.sleep(self.idle_seconds)
            if self._recovery is None and time.monotonic() - self._called_at >= self.idle_seconds:
                with suppress(DependencyUnavailable):
                    await self.call(self.probe)

    async def _recover(self) -> None:
        recovered = False
        while not recovered:
            await asyncio.sleep(self.probe_interval)
            recovered = await self._probe_succeeds()
        log.info("circuit breaker closed", dependency=self.name, last_error=self._error)
        metrics.CIRCUIT_BREAKER_OPEN.labels(self.name).set(0)
        self._failures = 0
        self._recovery = None

    async def _probe_succeeds(self) -> bool:
        try:
            if self.reset:
                await self.reset()
            # The first probe may have to connect, so only the second must be fast.
            for seconds in (self.timeout_seconds, self.slow_seconds):
                async with asyncio.timeout(seconds):
                    await self.probe()
        except Exception as error:  # as in call
            self._reason = self.reason(error)
            self._error = f"{self._reason}: {error}"
            return False
        return True
