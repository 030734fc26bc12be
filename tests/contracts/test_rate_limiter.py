"""Contract of ports.RateLimiter."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.ports import Quota, RateLimiter
from mathops.settings import Settings
from mathops.shared.rate_limits import MemoryWindows, WindowRateLimiter, policies
from tests.support.fakes import FakeRateLimiter

pytestmark = pytest.mark.anyio

# "unauthenticated" has no limit.
LIMITED = Settings(quota_requests="5/minute", quota_compute="100/minute", quota_unauthenticated="")


@asynccontextmanager
async def fake() -> AsyncIterator[RateLimiter]:
    yield FakeRateLimiter({"requests": 5, "compute": 100})


@asynccontextmanager
async def memory() -> AsyncIterator[RateLimiter]:
    yield WindowRateLimiter(policies(LIMITED), MemoryWindows())


PARTS: dict[str, Callable[[], AbstractAsyncContextManager[RateLimiter]]] = {"fake": fake, "memory": memory}


@pytest.fixture(params=PARTS)
async def rate_limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    async with PARTS[request.param]() as part:
        yield part


async def charged(rate_limiter: RateLimiter, policy: str, key: str, cost: int = 1) -> Quota:
    quota = await rate_limiter.charge(policy, key, cost)
    assert quota is not None
    return quota


async def test_a_policy_without_a_limit_returns_none(rate_limiter: RateLimiter) -> None:
    assert await rate_limiter.charge("unauthenticated", "127.0.0.1") is None


async def test_charges_up_to_the_limit_are_allowed(rate_limiter: RateLimiter) -> None:
    quotas = [await charged(rate_limiter, "requests", "alice") for _ in range(7)]

    assert [quota.allowed for quota in quotas] == [True] * 5 + [False] * 2
    assert [quota.remaining for quota in quotas] == [4, 3, 2, 1, 0, 0, 0]


async def test_a_quota_has_policy_limit_window_and_reset_seconds(rate_limiter: RateLimiter) -> None:
    quota = await charged(rate_limiter, "requests", "alice")

    assert (quota.policy, quota.limit, quota.window) == ("requests", 5, 60)
    assert 1 <= quota.reset <= 60


async def test_keys_and_policies_are_counted_separately(rate_limiter: RateLimiter) -> None:
    for _ in range(6):
        await rate_limiter.charge("requests", "alice")

    assert (await charged(rate_limiter, "requests", "bob")).allowed
    assert (await charged(rate_limiter, "compute", "alice")).allowed


async def test_a_rejected_charge_costs_nothing(rate_limiter: RateLimiter) -> None:
    await rate_limiter.charge("compute", "alice", 90)

    assert not (await charged(rate_limiter, "compute", "alice", 20)).allowed
    assert (await charged(rate_limiter, "compute", "alice", 10)).allowed


async def test_a_charge_above_the_limit_uses_the_whole_limit(rate_limiter: RateLimiter) -> None:
    assert (await charged(rate_limiter, "compute", "alice", 1000)).allowed
    assert not (await charged(rate_limiter, "compute", "alice")).allowed


async def test_a_refund_can_be_charged_again(rate_limiter: RateLimiter) -> None:
    for cost in (60, 1000):
        await rate_limiter.charge("compute", "alice", 30)
        await charged(rate_limiter, "compute", "bob", cost)
        await rate_limiter.refund("compute", "bob", cost)

        assert (await charged(rate_limiter, "compute", "bob", 100)).remaining == 0
        assert (await charged(rate_limiter, "compute", "alice", 1)).allowed
        await rate_limiter.refund("compute", "bob", 100)


async def test_a_refund_never_exceeds_the_limit(rate_limiter: RateLimiter) -> None:
    await rate_limiter.refund("unauthenticated", "127.0.0.1", 5)
    await rate_limiter.charge("compute", "alice", 10)
    await rate_limiter.refund("compute", "alice", 10)

    assert (await charged(rate_limiter, "compute", "alice", 0)).remaining == 100


async def test_concurrent_charges_never_exceed_the_limit(rate_limiter: RateLimiter) -> None:
    quotas = await asyncio.gather(*(charged(rate_limiter, "requests", "alice") for _ in range(20)))

    assert sum(quota.allowed for quota in quotas) == 5
