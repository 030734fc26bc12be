"""What every Limiter keeps to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.ports import Limiter, Quota
from mathops.settings import Settings
from mathops.shared.rate_limits import WindowLimiter, policies
from tests.support.fakes import FakeLimiter

pytestmark = pytest.mark.anyio

# Policy "requests" allows 5 a minute, "compute" 100 a minute; "unauthenticated" has no limit.
LIMITED = Settings(quota_requests="5/minute", quota_compute="100/minute", quota_unauthenticated="")


@asynccontextmanager
async def fake() -> AsyncIterator[Limiter]:
    yield FakeLimiter({"requests": 5, "compute": 100})


@asynccontextmanager
async def memory() -> AsyncIterator[Limiter]:
    yield WindowLimiter(policies(LIMITED))


PARTS: dict[str, Callable[[], AbstractAsyncContextManager[Limiter]]] = {"fake": fake, "memory": memory}


@pytest.fixture(params=PARTS)
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    async with PARTS[request.param]() as part:
        yield part


async def charged(limiter: Limiter, policy: str, key: str, cost: int = 1) -> Quota:
    quota = await limiter.charge(policy, key, cost)
    assert quota is not None
    return quota


async def test_a_policy_without_a_limit_gives_none(limiter: Limiter) -> None:
    assert await limiter.charge("unauthenticated", "127.0.0.1") is None


async def test_charges_are_allowed_up_to_the_limit_and_refused_above_it(limiter: Limiter) -> None:
    quotas = [await charged(limiter, "requests", "alice") for _ in range(7)]

    assert [quota.allowed for quota in quotas] == [True] * 5 + [False] * 2
    assert [quota.remaining for quota in quotas] == [4, 3, 2, 1, 0, 0, 0]


async def test_a_quota_names_its_policy_limit_window_and_the_seconds_until_it_is_new(limiter: Limiter) -> None:
    quota = await charged(limiter, "requests", "alice")

    assert (quota.policy, quota.limit, quota.window) == ("requests", 5, 60)
    assert 1 <= quota.reset <= 60


async def test_each_key_and_each_policy_has_a_quota_of_its_own(limiter: Limiter) -> None:
    for _ in range(6):
        await limiter.charge("requests", "alice")

    assert (await charged(limiter, "requests", "bob")).allowed
    assert (await charged(limiter, "compute", "alice")).allowed


async def test_a_refused_charge_costs_nothing(limiter: Limiter) -> None:
    await limiter.charge("compute", "alice", 90)

    assert not (await charged(limiter, "compute", "alice", 20)).allowed
    assert (await charged(limiter, "compute", "alice", 10)).allowed


async def test_a_charge_over_the_whole_limit_takes_all_there_is(limiter: Limiter) -> None:
    assert (await charged(limiter, "compute", "alice", 1000)).allowed
    assert not (await charged(limiter, "compute", "alice")).allowed


async def test_charges_at_the_same_time_never_pass_the_limit_together(limiter: Limiter) -> None:
    quotas = await asyncio.gather(*(charged(limiter, "requests", "alice") for _ in range(20)))

    assert sum(quota.allowed for quota in quotas) == 5
