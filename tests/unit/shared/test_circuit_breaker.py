import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from mathops.shared.circuit_breaker import FAILURES, Away, Gate
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
def helper() -> Helper:
    return Helper()


@pytest.fixture
def errors() -> Counter:
    return Counter("errors", "", ["reason"], registry=CollectorRegistry())


@pytest.fixture
async def gate(helper: Helper, errors: Counter) -> AsyncIterator[Gate]:
    made = Gate("test", helper, reason, errors, seconds=0.4, slow=0.02)
    yield made
    await made.close()


async def fail(gate: Gate, helper: Helper, times: int = FAILURES) -> None:
    for _ in range(times):
        with pytest.raises(Away):
            await gate.ask(helper)


async def test_an_answer_passes_through(gate: Gate, helper: Helper) -> None:
    assert await gate.ask(helper) == "answer"
    assert gate.state() == "ok"


async def test_a_helper_that_hangs_is_left_after_the_time_limit_and_counted(
    gate: Gate, helper: Helper, errors: Counter
) -> None:
    helper.delay = 60

    await fail(gate, helper, 1)

    assert errors.labels("timeout")._value.get() == 1
    assert gate.state().startswith("timeout")


@pytest.mark.parametrize(
    ("error", "name"), [(ConnectionRefusedError("no"), "connection"), (KeyError("?"), "garbage")], ids=str
)
async def test_any_failure_is_named_and_counted(
    gate: Gate, helper: Helper, errors: Counter, error: Exception, name: str
) -> None:
    helper.error = error

    await fail(gate, helper, 1)

    assert errors.labels(name)._value.get() == 1


async def test_after_some_failures_nobody_is_kept_waiting(gate: Gate, helper: Helper) -> None:
    helper.delay = 60
    await fail(gate, helper)
    asked = helper.asked

    await fail(gate, helper, 100)

    assert helper.asked == asked


async def test_a_slow_answer_is_given_and_too_many_of_them_open_the_breaker(
    gate: Gate, helper: Helper, errors: Counter
) -> None:
    helper.delay = 0.03

    answers = [await gate.ask(helper) for _ in range(FAILURES)]

    assert answers == ["answer"] * FAILURES
    assert errors.labels("slow")._value.get() == FAILURES
    with pytest.raises(Away):
        await gate.ask(helper)


async def test_a_failure_between_answers_does_not_open_the_breaker(gate: Gate, helper: Helper) -> None:
    for _ in range(2 * FAILURES):
        helper.error = OSError("no")
        await fail(gate, helper, 1)
        helper.error = None
        assert await gate.ask(helper) == "answer"


async def test_once_the_helper_is_well_again_it_is_asked_again(gate: Gate, helper: Helper) -> None:
    helper.error = OSError("no")
    await fail(gate, helper)
    helper.error = None

    assert gate._recovery is not None
    await gate._recovery

    assert await gate.ask(helper) == "answer"


async def test_a_helper_that_is_still_slow_is_not_asked_again(gate: Gate, helper: Helper) -> None:
    helper.delay = 0.03
    for _ in range(FAILURES):
        await gate.ask(helper)

    assert not await gate._well()
