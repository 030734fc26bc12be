"""Contract of ports.Revocations."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from fakeredis import FakeAsyncRedis

from mathops.ports import Revocations
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.redis_client import reason
from mathops.shared.revocations import MemoryRevocations, RedisRevocations
from mathops.telemetry import metrics

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def memory() -> AsyncIterator[Revocations]:
    yield MemoryRevocations()


@asynccontextmanager
async def redis() -> AsyncIterator[Revocations]:
    client = FakeAsyncRedis()
    breaker = CircuitBreaker("revocation", client.ping, reason, metrics.REVOCATION_ERRORS, timeout_seconds=1)
    yield RedisRevocations(client, breaker, closed=True)
    await breaker.close()
    await client.aclose()


PARTS: dict[str, Callable[[], AbstractAsyncContextManager[Revocations]]] = {"memory": memory, "redis": redis}


@pytest.fixture(params=PARTS)
async def revocations(request: pytest.FixtureRequest) -> AsyncIterator[Revocations]:
    async with PARTS[request.param]() as part:
        yield part


def seconds_from_now(seconds: int) -> int:
    return int(time.time()) + seconds


async def test_an_unknown_token_is_not_revoked(revocations: Revocations) -> None:
    assert not await revocations.revoked("unknown")


async def test_a_revoked_token_is_revoked_and_no_other(revocations: Revocations) -> None:
    await revocations.revoke("token", seconds_from_now(60))

    assert await revocations.revoked("token")
    assert not await revocations.revoked("token2")
    assert not await revocations.revoked("toke")


async def test_a_token_can_be_revoked_twice(revocations: Revocations) -> None:
    await revocations.revoke("token", seconds_from_now(60))
    await revocations.revoke("token", seconds_from_now(60))

    assert await revocations.revoked("token")


async def test_an_expired_token_can_be_revoked_without_effect_on_others(revocations: Revocations) -> None:
    await revocations.revoke("valid", seconds_from_now(60))
    await revocations.revoke("expired", seconds_from_now(-1))

    assert await revocations.revoked("valid")
