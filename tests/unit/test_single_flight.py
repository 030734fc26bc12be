import asyncio

import pytest

from mathops.evaluator import SingleFlight

pytestmark = pytest.mark.anyio


class Work:
    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> int:
        self.started += 1
        try:
            return await self.outcome
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def run_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_concurrent_calls_with_one_key_run_the_work_once() -> None:
    single_flight, work = SingleFlight[int](), Work()
    callers = [asyncio.create_task(single_flight.run("key", work)) for _ in range(3)]
    await run_loop()

    work.outcome.set_result(7)

    assert await asyncio.gather(*callers) == [7, 7, 7]
    assert work.started == 1
    assert "key" not in single_flight


async def test_a_cancelled_caller_does_not_stop_the_others() -> None:
    single_flight, work = SingleFlight[int](), Work()
    first, second = (asyncio.create_task(single_flight.run("key", work)) for _ in range(2))
    await run_loop()

    first.cancel()
    await run_loop()
    work.outcome.set_result(7)

    assert await second == 7
    assert first.cancelled()


async def test_work_is_cancelled_with_its_last_caller_and_the_next_caller_starts_it_again() -> None:
    single_flight, work = SingleFlight[int](), Work()
    only = asyncio.create_task(single_flight.run("key", work))
    await run_loop()

    only.cancel()
    again = Work()
    next_caller = asyncio.create_task(single_flight.run("key", again))
    await run_loop()
    again.outcome.set_result(8)

    assert await next_caller == 8
    assert (work.cancelled, again.started) == (1, 1)


async def test_an_error_reaches_all_callers_and_is_not_kept() -> None:
    single_flight, work = SingleFlight[int](), Work()
    callers = [asyncio.create_task(single_flight.run("key", work)) for _ in range(2)]
    await run_loop()

    work.outcome.set_exception(ValueError("broken"))

    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["broken", "broken"]
    assert "key" not in single_flight
