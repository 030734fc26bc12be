import time
from collections.abc import AsyncIterator, Callable

import pytest
from fakeredis import FakeAsyncRedis, FakeServer

from mathops.errors import NotFound, RevocationUnavailable
from mathops.shared.circuit_breaker import CircuitBreaker
from mathops.shared.redis_client import reason
from mathops.shared.revocations import MemoryRevocations, NoRevocations, RedisRevocations
from mathops.telemetry import metrics

pytestmark = pytest.mark.anyio

SOON = int(time.time()) + 3600

Make = Callable[..., RedisRevocations]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def make(server: FakeServer) -> AsyncIterator[Make]:
    breakers: list[CircuitBreaker] = []

    def make(closed: bool = True) -> RedisRevocations:
        redis = FakeAsyncRedis(server=server)
        breakers.append(CircuitBreaker("revocation", redis.ping, reason, metrics.REVOCATION_ERRORS, timeout_seconds=1))
        return RedisRevocations(redis, breakers[-1], closed)

    yield make
    for breaker in breakers:
        await breaker.close()


async def test_a_token_is_revoked_in_all_replicas(make: Make) -> None:
    one, other = make(), make()

    await one.revoke("token", SOON)

    assert await other.revoked("token")
    assert not await other.revoked("another")


async def test_redis_deletes_the_entry_when_the_token_expires(make: Make, server: FakeServer) -> None:
    await make().revoke("token", SOON)

    assert 0 < await FakeAsyncRedis(server=server).ttl("mathops:1:revoked:token") <= 3600


async def test_closed_revocation_is_unavailable_without_redis(make: Make, server: FakeServer) -> None:
    server.connected = False

    with pytest.raises(RevocationUnavailable) as raised:
        await make(closed=True).revoked("token")
    assert raised.value.retry_after == 1


async def test_open_revocation_without_redis_rejects_only_tokens_revoked_by_this_process(
    make: Make, server: FakeServer
) -> None:
    revocations = make(closed=False)
    server.connected = False
    with pytest.raises(RevocationUnavailable):
        await revocations.revoke("token", SOON)

    assert await revocations.revoked("token")
    assert not await revocations.revoked("another")


async def test_memory_drops_a_revoked_token_after_it_has_expired() -> None:
    revocations = MemoryRevocations()
    await revocations.revoke("old", int(time.time()) - 1)
    await revocations.revoke("token", SOON)
    await revocations.revoke("token", SOON)

    assert await revocations.revoked("token")
    assert not await revocations.revoked("old")


async def test_with_revocation_off_no_token_is_revoked() -> None:
    revocations = NoRevocations()

    with pytest.raises(NotFound, match="MATHOPS_REVOCATION"):
        await revocations.revoke("token", SOON)
    assert not await revocations.revoked("token")
