"""Limits, charges, cache lookups and single flight of the evaluator."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mathops.errors import DeadlineExceeded, QuotaExceeded, ResultTooLarge
from mathops.evaluator import Evaluator, Plan, too_large
from mathops.operations import Operation, Result
from mathops.operations.factorial import OPERATION as FACTORIAL
from mathops.operations.fibonacci import OPERATION as FIBONACCI
from mathops.operations.power import OPERATION as POWER
from mathops.ports import Timing
from mathops.telemetry import metrics
from mathops.telemetry.tracing import NO_TRACING, AnyTracing, Tracing
from tests.support.fakes import FakeCache, FakeRateLimiter, InlinePool

pytestmark = pytest.mark.anyio


class World:
    """An evaluator and what it works with; results of more than 20 digits are large."""

    def __init__(self, limits: dict[str, int] | None = None, tracing: AnyTracing = NO_TRACING) -> None:
        self.cache, self.compute, self.rate_limiter = FakeCache(), InlinePool(), FakeRateLimiter(limits)
        self.evaluator = Evaluator(self.cache, self.compute, self.rate_limiter, 20, tracing)

    def plan(self, exp: int, limit_digits: int = 10**6) -> Plan:
        """Ten to the power of `exp`, which has exp + 1 digits."""
        return self.evaluator.plan(POWER, (10, exp), limit_digits)


@pytest.fixture
def world() -> World:
    return World()


def test_the_key_is_canonical_and_has_a_version(world: World) -> None:
    assert world.plan(3).key == "mathops:1:pow:10:3"


@pytest.mark.parametrize(("exp", "pooled"), [(18, False), (19, False), (20, True), (25, True)])
def test_results_over_the_inline_limit_are_computed_by_the_pool(world: World, exp: int, pooled: bool) -> None:
    assert world.plan(exp).pooled is pooled


def _overflow(*_: int) -> float:
    raise OverflowError


@pytest.mark.parametrize(
    ("seconds", "pooled", "milliseconds"),
    [(lambda *_: 0.0, False, 0), (lambda *_: 1.5, True, 1500), (_overflow, True, 86_400_000)],
)
async def test_costly_small_results_are_charged_and_computed_by_the_pool(
    seconds: Callable[..., float], pooled: bool, milliseconds: int
) -> None:
    world = World({"compute": 10**9})
    plan = world.evaluator.plan(replace(POWER, seconds=seconds), (2, 5), 100)

    await world.evaluator.evaluate(plan, "alice")

    assert plan.pooled is pooled
    assert world.compute.computed == pooled
    assert world.rate_limiter.charged.get(("compute", "alice"), 0) == milliseconds


@pytest.mark.parametrize(("seconds", "started"), [(10.0, True), (10.1, False)])
async def test_computations_predicted_to_take_five_times_the_deadline_are_not_started(
    seconds: float, started: bool
) -> None:
    world = World({"compute": 10**9})
    world.evaluator.deadline_seconds = 2.0
    plan = world.evaluator.plan(replace(POWER, seconds=lambda *_: seconds), (2, 5), 100)

    with nullcontext() if started else pytest.raises(DeadlineExceeded, match="about 10 s and the deadline is 2 s"):
        await world.evaluator.evaluate(plan, "alice")

    assert world.compute.computed == started
    assert (("compute", "alice") in world.rate_limiter.charged) == started


async def test_a_cached_result_is_returned_whatever_its_computation_would_take() -> None:
    world = World()
    plan = world.evaluator.plan(replace(POWER, seconds=lambda *_: 60.0), (2, 5), 100)
    await world.evaluator.evaluate(plan, "alice")
    world.evaluator.deadline_seconds = 2.0

    assert (await world.evaluator.evaluate(plan, "alice")).cache == "hit"


@pytest.mark.parametrize("exp", range(60))
def test_only_predictions_over_two_digits_above_the_limit_are_rejected_without_work(world: World, exp: int) -> None:
    foreseen = int(POWER.predicted_digits(10, exp))

    world.plan(exp, foreseen - 2)
    with pytest.raises(ResultTooLarge):
        world.plan(exp, foreseen - 3)


@pytest.mark.parametrize(("digits", "reported"), [(10**18 - 1024, 10**18 - 1024), (10**18, None), (math.inf, None)])
def test_a_size_is_reported_up_to_10_to_the_18(digits: float, reported: int | None) -> None:
    assert too_large(float(digits), 5).extensions["predicted_digits"] == reported


@pytest.mark.parametrize("limit", [10, 30])
async def test_a_result_one_digit_too_long_is_rejected_after_computing(world: World, limit: int) -> None:
    with pytest.raises(ResultTooLarge) as raised:
        await world.evaluator.evaluate(world.plan(limit, limit), "alice")

    assert raised.value.extensions == {"predicted_digits": limit + 1, "limit_digits": limit}
    assert world.cache.entries[f"mathops:1:pow:10:{limit}"] == b"1" + b"0" * limit


async def test_the_limit_applies_to_cached_results_too(world: World) -> None:
    world.cache.entries["mathops:1:pow:10:30"] = b"1" + b"0" * 30

    assert (await world.evaluator.evaluate(world.plan(30, 31), "alice")).cache == "hit"
    with pytest.raises(ResultTooLarge):
        await world.evaluator.evaluate(world.plan(30, 30), "alice")


@pytest.mark.parametrize(
    ("plan", "detail", "predicted"),
    [
        ((POWER, (10, 999)), "the result has about 1000 digits and the limit is 5; ", 1000),
        ((FIBONACCI, (10**30,)), "the result has more than 10^18 digits and the limit is 5; ", None),
        ((FACTORIAL, (10**400,)), "the result has more than 10^18 digits and the limit is 5; ", None),
        ((FIBONACCI, (10**18,)), "the result has about 20898764024997", 208987640249978734),
    ],
)
def test_a_too_large_result_is_rejected_with_size_and_limit(
    world: World, plan: tuple[Operation, tuple[int, ...]], detail: str, predicted: int | None
) -> None:
    with pytest.raises(ResultTooLarge) as raised:
        world.evaluator.plan(*plan, 5)

    assert raised.value.detail.startswith(detail)
    assert raised.value.detail.endswith("; ask for a smaller one")
    assert raised.value.extensions["limit_digits"] == 5
    assert raised.value.extensions["predicted_digits"] == (predicted and pytest.approx(predicted, rel=1e-12))


@pytest.mark.parametrize(
    ("limit", "text_limit", "advice"),
    [
        (5, 1000, "; ask for a smaller one, or for text/plain, whose limit is 1000"),
        (5, 999, "; ask for a smaller one"),
        (999, 999, "; ask for a smaller one"),
    ],
)
def test_text_is_proposed_only_if_its_limit_suffices(limit: int, text_limit: int, advice: str) -> None:
    assert too_large(1000.0, limit, text_limit).detail.endswith(f"limit is {limit}{advice}")


async def test_a_small_result_is_computed_inline_and_not_charged() -> None:
    world = World({"compute": 1})

    evaluation = await world.evaluator.evaluate(world.plan(5), "alice")

    assert evaluation.result == Result(b"100000", 6)
    assert evaluation.cache == "miss"
    assert evaluation.timing.queue == evaluation.timing.encode == 0
    assert 0 < evaluation.timing.compute < 1
    assert world.compute.computed == 0
    assert not world.rate_limiter.charged


async def test_a_large_result_is_computed_elsewhere(world: World) -> None:
    evaluation = await world.evaluator.evaluate(world.plan(25), "alice")

    assert evaluation.result == Result(b"1" + b"0" * 25, 26)
    assert evaluation.timing == Timing(0.001, 0.002, 0.003)
    assert world.compute.computed == 1


async def test_a_result_is_cached(world: World) -> None:
    misses, hits = metrics.CACHE_MISSES._value.get(), metrics.CACHE_HITS._value.get()

    first = await world.evaluator.evaluate(world.plan(25), "alice")
    second = await world.evaluator.evaluate(world.plan(25), "bob")

    assert (first.cache, second.cache) == ("miss", "hit")
    assert second.result == first.result
    assert second.timing == (0, 0, 0)
    assert world.compute.computed == 1
    assert metrics.CACHE_MISSES._value.get() - misses == 1
    assert metrics.CACHE_HITS._value.get() - hits == 1


@pytest.mark.parametrize(("digits", "milliseconds"), [(10_000, 2), (1_000_000, 123), (2_000_000, 246)])
async def test_a_large_result_is_charged_by_its_predicted_time(digits: int, milliseconds: int) -> None:
    world = World({"compute": 10_000})

    await world.evaluator.evaluate(world.plan(digits - 1, digits), "alice")

    # 37 ns a bit, 0.30103 digits a bit.
    assert world.rate_limiter.charged == {("compute", "alice"): milliseconds}


async def test_an_exceeded_compute_quota_is_rejected_before_work() -> None:
    world = World({"compute": 150})
    await world.evaluator.evaluate(world.plan(999_999), "alice")

    with pytest.raises(QuotaExceeded) as raised:
        await world.evaluator.evaluate(world.plan(999_998), "alice")

    assert world.compute.computed == 1
    assert raised.value.detail.startswith("the quota of 150 ms of computing in 60 s is used up")
    assert raised.value.retry_after == 60
    assert (await world.evaluator.evaluate(world.plan(999_998), "bob")).result.digits == 999_999


async def test_the_duration_of_an_operation_is_observed_once_it_is_computed(world: World) -> None:
    counted = metrics.OPERATION_DURATION.labels("pow")._sum.get()

    await world.evaluator.evaluate(world.plan(5), "alice")
    after = metrics.OPERATION_DURATION.labels("pow")._sum.get()
    await world.evaluator.evaluate(world.plan(5), "alice")

    assert 0 < after - counted < 1
    assert metrics.OPERATION_DURATION.labels("pow")._sum.get() == after


async def test_a_trace_shows_a_computation_in_the_pool(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    world = World(tracing=tracing)
    with tracing.server_span("request", {}).current():
        for _ in range(2):
            await world.evaluator.evaluate(world.plan(25), "alice")

    computing, _ = spans.get_finished_spans()
    assert computing.name == "compute"
    assert dict(computing.attributes or {}) == {"mathops.operation": "pow"}
