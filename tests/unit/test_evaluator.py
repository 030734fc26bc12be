"""The order of steps: predict, look up, charge, compute, cache."""

import pytest

from mathops.errors import Overloaded, ResultTooLarge
from mathops.evaluator import NO_TIME, Evaluator
from mathops.operations.factorial import OPERATION as FACTORIAL
from mathops.operations.fibonacci import OPERATION as FIBONACCI
from mathops.operations.power import OPERATION as POWER
from tests.support.fakes import FakeCache, FakeRateLimiter, InlinePool

pytestmark = pytest.mark.anyio
INLINE = 100


class Parts:
    def __init__(self) -> None:
        self.cache, self.compute, self.rate_limiter = FakeCache(), InlinePool(), FakeRateLimiter({"compute": 1000})
        self.evaluator = Evaluator(self.cache, self.compute, self.rate_limiter, INLINE)


@pytest.fixture
def parts() -> Parts:
    return Parts()


async def test_a_large_result_is_charged_and_computed_elsewhere(parts: Parts) -> None:
    plan = parts.evaluator.plan(POWER, (10, 100_000), 200_000)
    evaluation = await parts.evaluator.evaluate(plan, "alice")

    assert (plan.pooled, evaluation.result.digits) == (True, 100_001)
    assert parts.compute.computed == 1
    assert parts.rate_limiter.charged == {("compute", "alice"): 13}


async def test_a_cached_result_is_not_computed_or_charged_again(parts: Parts) -> None:
    plan = parts.evaluator.plan(POWER, (10, 100_000), 200_000)
    first = await parts.evaluator.evaluate(plan, "alice")
    charged = dict(parts.rate_limiter.charged)
    second = await parts.evaluator.evaluate(plan, "bob")

    assert (second.result, second.cache, second.timing) == (first.result, "hit", NO_TIME)
    assert parts.compute.computed == 1
    assert parts.rate_limiter.charged == charged


@pytest.mark.parametrize("limit", [301, 302, 1000])
async def test_a_result_of_exactly_the_limit_is_returned(parts: Parts, limit: int) -> None:
    plan = parts.evaluator.plan(POWER, (10, 300), limit)

    assert (await parts.evaluator.evaluate(plan, "alice")).result.digits == 301


async def test_a_result_over_the_limit_is_rejected_before_computing(parts: Parts) -> None:
    with pytest.raises(ResultTooLarge) as caught:
        parts.evaluator.plan(FACTORIAL, (10**6,), 1_000_000)

    assert caught.value.extensions["predicted_digits"] in (5_565_709, 5_565_710)
    assert caught.value.extensions["limit_digits"] == 1_000_000


@pytest.mark.parametrize("n", [10**18, 10**300, 10**4000])
async def test_a_result_of_infinite_size_is_rejected_too(parts: Parts, n: int) -> None:
    with pytest.raises(ResultTooLarge, match=r"more than 10\^18 digits"):
        parts.evaluator.plan(FACTORIAL, (n,), 1_000_000)


async def test_a_failed_computation_is_not_cached(parts: Parts) -> None:
    parts.compute.error = Overloaded("try again")

    with pytest.raises(Overloaded):
        await parts.evaluator.evaluate(parts.evaluator.plan(FACTORIAL, (1000,), 10_000), "alice")
    assert parts.cache.entries == {}


async def test_a_key_identifies_the_arguments(parts: Parts) -> None:
    keys = {
        parts.evaluator.plan(operation, arguments, 10**6).key
        for operation, arguments in [
            (POWER, (1, 11)),
            (POWER, (11, 1)),
            (POWER, (-1, 11)),
            (FIBONACCI, (11,)),
            (FACTORIAL, (11,)),
        ]
    }

    assert len(keys) == 5
    assert parts.evaluator.plan(POWER, (1, 11), 5).key == parts.evaluator.plan(POWER, (1, 11), 500).key
