import time
from collections.abc import AsyncIterator, Callable

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from mathops.errors import RevocationUnavailable
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.redis_client import reason
from mathops.shared.revocations_memory import MemoryRevocations
from mathops.shared.revocations_redis import RedisRevocations
from mathops.telemetry import metrics

pytestmark = pytest.mark.anyio

SOON = int(time.time()) + 3600

Make = Callable[..., RedisRevocations]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def make(server: FakeServer) -> AsyncIterator[Make]:
    opened: list[CircuitBreaker | FakeAsyncRedis] = []

    def make(closed: bool = True) -> RedisRevocations:
        redis = FakeAsyncRedis(server=server)
        breaker = CircuitBreaker("revocation", redis.ping, reason, metrics.REVOCATION_ERRORS, seconds=1)
        opened.append(breaker)
        return RedisRevocations(redis, breaker, closed)

    yield make
    for breaker in opened:
        await breaker.close()


async def test_a_revoked_token_is_known_to_all_replicas_and_others_are_not_touched(make: Make) -> None:
    one, other = make(), make()

    await one.revoke("token", SOON)

    assert await other.revoked("token")
    assert not await other.revoked("another")


async def test_nothing_is_kept_after_the_token_has_ended(make: Make, server: FakeServer) -> None:
    await make().revoke("token", SOON)

    assert 0 < await FakeAsyncRedis(server=server).ttl("mathops:1:revoked:token") <= 3600


async def test_without_redis_closed_revocation_cannot_tell(make: Make, server: FakeServer) -> None:
    server.connected = False

    with pytest.raises(RevocationUnavailable) as raised:
        await make(closed=True).revoked("token")
    assert raised.value.headers["Retry-After"] == "1"


async def test_without_redis_open_revocation_accepts_but_not_what_was_revoked_here(
    make: Make, server: FakeServer
) -> None:
    revocations = make(closed=False)
    server.connected = False
    with pytest.raises(RevocationUnavailable):
        await revocations.revoke("token", SOON)

    assert await revocations.revoked("token")
    assert not await revocations.revoked("another")


async def test_in_memory_a_revoked_token_is_forgotten_once_it_has_ended() -> None:
    revocations = MemoryRevocations()
    await revocations.revoke("old", int(time.time()) - 1)
    await revocations.revoke("token", SOON)
    await revocations.revoke("token", SOON)

    assert await revocations.revoked("token")
    assert not await revocations.revoked("old")
