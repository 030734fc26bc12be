"""Identical concurrent requests for large results."""

import asyncio

import pytest

from mathops.evaluator import Evaluator
from mathops.operations import OPERATIONS, Operation, Result
from mathops.ports import Timing
from tests.support.fakes import FakeCache, FakeRateLimiter

pytestmark = pytest.mark.anyio

POWER = next(operation for operation in OPERATIONS if operation.name == "pow")
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
