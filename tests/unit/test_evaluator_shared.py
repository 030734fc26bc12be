"""Identical concurrent requests for large results."""

import asyncio

import pytest

from mathops.errors import Overloaded, QuotaExceeded
from mathops.evaluator import Evaluation, Evaluator
from mathops.operations import Operation, Result
from mathops.operations.power import OPERATION as POWER
from mathops.ports import Quota, Timing
from tests.support.fakes import FakeCache, FakeRateLimiter

pytestmark = pytest.mark.anyio

COSTLY = (7, 9000)


class SlowPool:
    """Computes after its event is set."""

    def __init__(self) -> None:
        self.computed = 0
        self.released = asyncio.Event()

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        self.computed += 1
        await self.released.wait()
        return operation.result(*arguments), Timing(0, 0, 0)


class SlowRateLimiter(FakeRateLimiter):
    """Replies after other tasks have run, like one in Redis."""

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        await asyncio.sleep(0)
        return await super().charge(policy, key, cost)


class FullPool:
    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        raise Overloaded("the queue is full")


async def test_requests_at_the_same_time_are_charged_once() -> None:
    compute, rate_limiter = SlowPool(), SlowRateLimiter({"compute": 1000})
    evaluator = Evaluator(FakeCache(), compute, rate_limiter, inline_digits=2000)
    plan = evaluator.plan(POWER, COSTLY, 100_000)
    compute.released.set()

    await asyncio.gather(*(evaluator.evaluate(plan, user) for user in ("alice", "alice", "bob")))

    assert compute.computed == 1
    assert rate_limiter.charged == {("compute", "alice"): 1}


async def test_the_exceeded_quota_of_one_user_does_not_reject_the_others() -> None:
    compute, rate_limiter = SlowPool(), SlowRateLimiter({"compute": 2})
    evaluator = Evaluator(FakeCache(), compute, rate_limiter, inline_digits=2000)
    plan = evaluator.plan(POWER, COSTLY, 100_000)
    rate_limiter.charged["compute", "alice"] = 2
    compute.released.set()

    outcomes = await asyncio.gather(
        *(evaluator.evaluate(plan, user) for user in ("alice", "alice", "bob", "carol")), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [QuotaExceeded, QuotaExceeded, Evaluation, Evaluation]
    assert compute.computed == 1
    assert rate_limiter.charged == {("compute", "alice"): 2, ("compute", "bob"): 1}


async def test_work_that_is_refused_for_overload_is_not_charged() -> None:
    rate_limiter = FakeRateLimiter({"compute": 1000})
    evaluator = Evaluator(FakeCache(), FullPool(), rate_limiter, inline_digits=2000)

    with pytest.raises(Overloaded):
        await evaluator.evaluate(evaluator.plan(POWER, COSTLY, 100_000), "alice")

    assert rate_limiter.charged == {("compute", "alice"): 0}


async def test_they_share_one_computation_and_only_the_first_is_charged() -> None:
    compute, rate_limiter = SlowPool(), FakeRateLimiter({"compute": 1000})
    evaluator = Evaluator(FakeCache(), compute, rate_limiter, inline_digits=2000)
    plan = evaluator.plan(POWER, COSTLY, 100_000)
    users = ("alice", "bob", "carol")
    waiting = []
    for user in users:
        waiting.append(asyncio.create_task(evaluator.evaluate(plan, user)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    compute.released.set()
    evaluations = await asyncio.gather(*waiting)

    assert compute.computed == 1
    assert {evaluation.result.text for evaluation in evaluations} == {POWER.result(*COSTLY).text}
    assert [("compute", user) in rate_limiter.charged for user in users] == [True, False, False]
