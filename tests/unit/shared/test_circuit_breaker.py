import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Counter, values
from structlog.testing import capture_logs

from mathops.shared.circuit_breaker import MAX_FAILURES, CircuitBreaker, DependencyUnavailable
from mathops.shared.redis_client import reason
from tests.support.child_processes import until

pytestmark = pytest.mark.anyio


class Dependency:
    """Replies after `delay` seconds, or raises `error`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.delay = 0.0
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.error:
            raise self.error
        return "reply"


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    # Counters of the service with equal names share their value.
    monkeypatch.setattr(values, "ValueClass", values.MutexValue)
    return CollectorRegistry()


@pytest.fixture
async def breaker(dependency: Dependency, registry: CollectorRegistry) -> AsyncIterator[CircuitBreaker]:
    errors = Counter("errors", "", ["reason"], registry=registry)
    made = CircuitBreaker(
        "test",
        dependency,
        reason,
        errors,
        timeout_seconds=0.4,
        slow_seconds=0.02,
        probe_interval=0.05,
        idle_seconds=0.2,
    )
    yield made
    await made.close()


def count(registry: CollectorRegistry, reason: str) -> float | None:
    return registry.get_sample_value("errors_total", {"reason": reason})


async def fail(breaker: CircuitBreaker, dependency: Dependency, times: int = MAX_FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(DependencyUnavailable):
            await breaker.call(dependency)


async def test_a_reply_is_returned(breaker: CircuitBreaker, dependency: Dependency) -> None:
    assert await breaker.call(dependency) == "reply"
    assert breaker.state() == "ok"


async def test_a_hanging_call_times_out_and_is_counted(
    breaker: CircuitBreaker, dependency: Dependency, registry: CollectorRegistry
) -> None:
    dependency.delay = 60

    await fail(breaker, dependency, 1)

    assert count(registry, "timeout") == 1
    assert breaker.state().startswith("timeout")


@pytest.mark.parametrize(
    ("error", "name"), [(ConnectionRefusedError("no"), "connection"), (KeyError("?"), "invalid_reply")], ids=str
)
async def test_a_failure_is_counted_by_reason(
    breaker: CircuitBreaker, dependency: Dependency, registry: CollectorRegistry, error: Exception, name: str
) -> None:
    dependency.error = error

    await fail(breaker, dependency, 1)

    assert count(registry, name) == 1


async def test_an_open_breaker_does_not_call_the_dependency(breaker: CircuitBreaker, dependency: Dependency) -> None:
    dependency.error = OSError("no")
    await fail(breaker, dependency)
    dependency.delay = 60
    calls = dependency.calls

    await fail(breaker, dependency, 100)

    assert dependency.calls == calls


async def test_slow_replies_are_returned_and_open_the_breaker(
    breaker: CircuitBreaker, dependency: Dependency, registry: CollectorRegistry
) -> None:
    dependency.delay = 0.03

    replies = [await breaker.call(dependency) for _ in range(MAX_FAILURES)]

    assert replies == ["reply"] * MAX_FAILURES
    assert count(registry, "slow") == MAX_FAILURES
    with pytest.raises(DependencyUnavailable):
        await breaker.call(dependency)


async def test_a_reply_between_failures_keeps_the_breaker_closed(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    for _ in range(2 * MAX_FAILURES):
        dependency.error = OSError("no")
        await fail(breaker, dependency, 1)
        dependency.error = None
        assert await breaker.call(dependency) == "reply"


async def test_the_breaker_closes_once_the_dependency_recovers_and_logs_both_changes(
    breaker: CircuitBreaker, dependency: Dependency
) -> None:
    with capture_logs() as lines:
        dependency.error = OSError("no")
        await fail(breaker, dependency)
        dependency.error = None

        assert breaker._recovery is not None
        await breaker._recovery

    assert await breaker.call(dependency) == "reply"
    common = {"dependency": "test"}
    assert lines == [
        {"event": "circuit breaker opened", "error": "connection: no", "log_level": "warning", **common},
        {"event": "circuit breaker closed", "last_error": "connection: no", "log_level": "info", **common},
    ]


async def test_a_failure_is_reported_without_calls(breaker: CircuitBreaker, dependency: Dependency) -> None:
    dependency.error = OSError("no")

    await until(lambda: breaker.state() == "connection")


async def test_one_slow_reply_is_not_reported(breaker: CircuitBreaker, dependency: Dependency) -> None:
    dependency.delay = 0.03

    await breaker.call(dependency)

    assert breaker.state() == "ok"


async def test_concurrent_slow_replies_count_once(
    breaker: CircuitBreaker, dependency: Dependency, registry: CollectorRegistry
) -> None:
    dependency.delay = 0.03
    for _ in range(MAX_FAILURES - 1):
        replies = await asyncio.gather(*[breaker.call(dependency) for _ in range(2 * MAX_FAILURES)])
        assert replies == ["reply"] * 2 * MAX_FAILURES
    assert count(registry, "slow") == 2 * MAX_FAILURES * (MAX_FAILURES - 1)
    assert await breaker.call(dependency) == "reply"

    with pytest.raises(DependencyUnavailable):
        await breaker.call(dependency)


async def test_a_slow_probe_keeps_the_breaker_open(breaker: CircuitBreaker, dependency: Dependency) -> None:
    dependency.delay = 0.03
    for _ in range(MAX_FAILURES):
        await breaker.call(dependency)

    assert not await breaker._probe_succeeds()
