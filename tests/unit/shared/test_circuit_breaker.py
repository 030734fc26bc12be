import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from mathops.shared.circuit_breaker import FAILURES, CircuitBreaker, DependencyUnavailable
from mathops.shared.redis_client import reason

pytestmark = pytest.mark.anyio


class Helper:
    """Answers, fails or hangs, as told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.delay = 0.0
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(self.delay)
        if self.error:
            raise self.error
        return "answer"


@pytest.fixture
def dependency() -> Helper:
    return Helper()


@pytest.fixture
def errors() -> Counter:
    return Counter("errors", "", ["reason"], registry=CollectorRegistry())


@pytest.fixture
async def breaker(dependency: Helper, errors: Counter) -> AsyncIterator[CircuitBreaker]:
    made = CircuitBreaker("test", dependency, reason, errors, seconds=0.4, slow=0.02)
    yield made
    await made.close()


async def fail(breaker: CircuitBreaker, dependency: Helper, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(DependencyUnavailable):
            await breaker.call(dependency)


async def test_an_answer_passes_through(breaker: CircuitBreaker, dependency: Helper) -> None:
    assert await breaker.call(dependency) == "answer"
    assert breaker.state() == "ok"


async def test_a_helper_that_hangs_is_left_after_the_time_limit_and_counted(
    breaker: CircuitBreaker, dependency: Helper, errors: Counter
) -> None:
    dependency.delay = 60

    await fail(breaker, dependency, 1)

    assert errors.labels("timeout")._value.get() == 1
    assert breaker.state().startswith("timeout")


@pytest.mark.parametrize(
    ("error", "name"), [(ConnectionRefusedError("no"), "connection"), (KeyError("?"), "garbage")], ids=str
)
async def test_any_failure_is_named_and_counted(
    breaker: CircuitBreaker, dependency: Helper, errors: Counter, error: Exception, name: str
) -> None:
    dependency.error = error

    await fail(breaker, dependency, 1)

    assert errors.labels(name)._value.get() == 1


async def test_after_some_failures_nobody_is_kept_waiting(breaker: CircuitBreaker, dependency: Helper) -> None:
    dependency.delay = 60
    await fail(breaker, dependency)
    asked = dependency.asked

    await fail(breaker, dependency, 100)

    assert dependency.asked == asked


async def test_a_slow_answer_is_given_and_too_many_of_them_open_the_breaker(
    breaker: CircuitBreaker, dependency: Helper, errors: Counter
) -> None:
    dependency.delay = 0.03

    answers = [await breaker.call(dependency) for _ in range(FAILURES)]

    assert answers == ["answer"] * FAILURES
    assert errors.labels("slow")._value.get() == FAILURES
    with pytest.raises(DependencyUnavailable):
        await breaker.call(dependency)


async def test_a_failure_between_answers_does_not_open_the_breaker(breaker: CircuitBreaker, dependency: Helper) -> None:
    for _ in range(2 * FAILURES):
        dependency.error = OSError("no")
        await fail(breaker, dependency, 1)
        dependency.error = None
        assert await breaker.call(dependency) == "answer"


async def test_once_the_helper_is_well_again_it_is_asked_again(breaker: CircuitBreaker, dependency: Helper) -> None:
    dependency.error = OSError("no")
    await fail(breaker, dependency)
    dependency.error = None

    assert breaker._recovery is not None
    await breaker._recovery

    assert await breaker.call(dependency) == "answer"


async def test_a_helper_that_is_still_slow_is_not_asked_again(breaker: CircuitBreaker, dependency: Helper) -> None:
    dependency.delay = 0.03
    for _ in range(FAILURES):
        await breaker.call(dependency)

    assert not await breaker._probe_succeeds()
