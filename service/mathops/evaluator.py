"""Evaluates an operation: predict the size, look up the cache, charge the quota, compute."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from msgspec import Struct

from mathops.errors import DeadlineExceeded, Overloaded, QuotaExceeded, ResultTooLarge
from mathops.models import CacheOutcome
from mathops.operations import Operation, Result
from mathops.operations.operation import seconds_by_size
from mathops.ports import Cache, ComputePool, RateLimiter, Timing, quota_exceeded
from mathops.telemetry import metrics
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

# Change it with results or their stored form, so that older cache entries are not read.
CACHE_VERSION = "mathops:1"
# Predictions may be too high by this. A result predicted so close above the limit is computed and then measured.
_PREDICTION_MARGIN_DIGITS = 2
# Predicted times may be too high by this factor, because processors differ.
_PREDICTION_FACTOR = 5

NO_TIME = Timing(0, 0, 0)

Outcome = TypeVar("Outcome")


class Plan(Struct, frozen=True, gc=False):
    """An admitted computation; a `pooled` one runs in another process."""

    operation: Operation
    arguments: tuple[int, ...]
    predicted_digits: float
    predicted_seconds: float
    limit_digits: int
    text_digits: int
    key: str
    pooled: bool


class Evaluation(Struct, frozen=True, gc=False):
    result: Result
    cache: CacheOutcome
    timing: Timing


def predicted_size(digits: float) -> int | None:
    """The whole number of digits, or None beyond 10^18."""
    return int(digits) if digits < 1e18 else None


def certainly_exceeds(digits: float, limit: int) -> bool:
    """Whether a result of `digits` predicted digits is rejected without computing it."""
    return digits - _PREDICTION_MARGIN_DIGITS > limit


def too_large(digits: float, limit: int, text_limit: int = 0) -> ResultTooLarge:
    """`text_limit` is the limit of text/plain, which the detail proposes if it suffices."""
    predicted = predicted_size(digits)
    size = f"about {predicted}" if predicted else "more than 10^18"
    return ResultTooLarge(
        f"the result has {size} digits and the limit is {limit}; ask for a smaller one"
        + (f", or for text/plain, whose limit is {text_limit}" if limit < digits <= text_limit else ""),
        predicted_digits=predicted,
        limit_digits=limit,
    )


class Flight(Generic[Outcome]):
    """One running call and the number of its callers."""

    def __init__(self, task: asyncio.Task[Outcome]) -> None:
        self.task = task
        self.callers = 0


class SingleFlight(Generic[Outcome]):
    """Runs concurrent calls with the same key once; all callers share the outcome."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[Outcome]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    async def run(self, key: str, work: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
        """The outcome of `work`, or of the running call with this key; cancelled with its last caller."""
        flight = self._flights.get(key) or self._start(key, work)
        flight.callers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.callers -= 1
            if not flight.callers:
                self._end(key, flight)
                flight.task.cancel()

    def _start(self, key: str, work: Callable[[], Coroutine[Any, Any, Outcome]]) -> Flight[Outcome]:
        flight = self._flights[key] = Flight(asyncio.create_task(work()))
        # Before the callers wake up, so that a caller that tries again starts the work again.
        flight.task.add_done_callback(lambda _: self._end(key, flight))
        return flight

    def _end(self, key: str, flight: Flight[Outcome]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


@dataclass
class Evaluator:
    """Results from the cache or by computation; those that take no longer than `inline_digits` digits run inline."""

    cache: Cache
    pool: ComputePool
    rate_limiter: RateLimiter
    inline_digits: int
    tracing: AnyTracing = NO_TRACING
    deadline_seconds: float = math.inf
    single_flight: SingleFlight[tuple[Result, Timing]] = field(default_factory=SingleFlight)

    def plan(self, operation: Operation, arguments: tuple[int, ...], limit_digits: int, text_digits: int = 0) -> Plan:
        """Raises ResultTooLarge when the result certainly exceeds `limit_digits`; `text_digits` as in `too_large`."""
        digits = operation.predicted_digits(*arguments)
        if certainly_exceeds(digits, limit_digits):
            raise too_large(digits, limit_digits, text_digits)
        key = ":".join((CACHE_VERSION, operation.name, *map(str, arguments)))
        seconds = operation.predicted_seconds(digits, *arguments)
        pooled = seconds > seconds_by_size(self.inline_digits)
        return Plan(operation, arguments, digits, seconds, limit_digits, text_digits, key, pooled)

    async def evaluate(self, plan: Plan, user: str) -> Evaluation:
        """Raises QuotaExceeded, Overloaded, DeadlineExceeded or ResultTooLarge."""
        text = await self.cache.get(plan.key)
        if text is None:
            metrics.CACHE_MISSES.inc()
            result, timing = await (self._join_or_compute(plan, user) if plan.pooled else self._compute_and_cache(plan))
            evaluation = Evaluation(result, "miss", timing)
        else:
            metrics.CACHE_HITS.inc()
            evaluation = Evaluation(Result.of(text), "hit", NO_TIME)
        if evaluation.result.digits > plan.limit_digits:
            raise too_large(evaluation.result.digits, plan.limit_digits, plan.text_digits)
        return evaluation

    async def _join_or_compute(self, plan: Plan, user: str) -> tuple[Result, Timing]:
        while True:
            # A caller that joins a running computation is not charged.
            joins = plan.key in self.single_flight
            try:
                return await self.single_flight.run(plan.key, lambda: self._charge_and_compute(plan, user))
            except QuotaExceeded:
                # The exceeded quota is that of the caller that started the computation.
                if not joins:
                    raise

    async def _charge_and_compute(self, plan: Plan, user: str) -> tuple[Result, Timing]:
        if plan.predicted_seconds > _PREDICTION_FACTOR * self.deadline_seconds:
            raise DeadlineExceeded(
                f"the computation takes about {plan.predicted_seconds:.0f} s and the deadline is "
                f"{self.deadline_seconds:g} s; send smaller numbers",
                deadline_seconds=self.deadline_seconds,
            )
        milliseconds = math.ceil(plan.predicted_seconds * 1000)
        quota = await self.rate_limiter.charge("compute", user, milliseconds)
        if quota is not None and not quota.allowed:
            raise quota_exceeded(quota, f"{quota.limit} ms of computing in {quota.window} s")
        try:
            return await self._compute_and_cache(plan)
        except Overloaded:
            await self.rate_limiter.refund("compute", user, milliseconds)
            raise

    async def _compute_and_cache(self, plan: Plan) -> tuple[Result, Timing]:
        started = time.perf_counter()
        if plan.pooled:
            with self.tracing.span("compute", **{"mathops.operation": plan.operation.name}):
                result, timing = await self.pool.run(plan.operation, plan.arguments)
        else:
            result = plan.operation.result(*plan.arguments)
            timing = Timing(0, time.perf_counter() - started, 0)
        metrics.OPERATION_DURATION.labels(plan.operation.name).observe(time.perf_counter() - started)
        await self.cache.set(plan.key, result.text)
        return result, timing
