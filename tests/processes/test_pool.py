import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import psutil
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from mathops.errors import DeadlineExceeded, Overloaded
from mathops.operations.power import OPERATION as POWER
from mathops.processes.pool import Pool
from tests.support.child_processes import HOLD, until

pytestmark = pytest.mark.anyio

MEMORY = 384 * 1024 * 1024


@asynccontextmanager
async def pool(size: int = 1, queue: int = 1, deadline: float = 30) -> AsyncIterator[Pool]:
    async with Pool(size, queue, deadline, MEMORY).running() as running:
        yield running


def workers() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "mathops.processes.pool_worker" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def busy() -> bool:
    return REGISTRY.get_sample_value("mathops_pool_busy_workers") == 1


async def pid_of(running: Pool) -> int:
    result, _ = await running.run(HOLD, (0,))
    return int(result.text)


async def test_the_processes_run_as_long_as_the_pool() -> None:
    async with pool(size=2):
        assert len(workers()) == 2
    assert workers() == []


async def test_the_deadline_counts_the_time_in_the_queue() -> None:
    async with pool(queue=2, deadline=0.5) as running:
        started = time.monotonic()

        first, second = await asyncio.gather(
            running.run(HOLD, (60_000,)), running.run(HOLD, (60_000,)), return_exceptions=True
        )

        assert isinstance(first, DeadlineExceeded)
        assert isinstance(second, DeadlineExceeded)
        assert time.monotonic() - started < 5
        assert first.extensions == {"deadline_seconds": 0.5}


async def test_a_computation_beyond_the_queue_is_rejected_at_once_with_a_retry_time() -> None:
    async with pool(queue=1) as running:
        held = [asyncio.create_task(running.run(HOLD, (60_000,))) for _ in range(2)]
        await asyncio.sleep(0)

        with pytest.raises(Overloaded) as refusal:
            await running.run(HOLD, (0,))

        assert refusal.value.retry_after == 1
        for task in held:
            task.cancel()
        await asyncio.wait(held)


async def test_a_cancelled_caller_frees_its_place_in_the_queue() -> None:
    async with pool(queue=1) as running:
        busy, waiting = (asyncio.create_task(running.run(HOLD, (60_000,))) for _ in range(2))
        await asyncio.sleep(0)
        for task in (waiting, busy):
            task.cancel()
        await asyncio.wait((busy, waiting))

        assert await pid_of(running)


async def test_cancelling_kills_the_process_and_starts_another() -> None:
    async with pool() as running:
        before = await pid_of(running)
        task = asyncio.create_task(running.run(HOLD, (60_000,)))
        await asyncio.sleep(0)

        task.cancel()

        await until(lambda: not psutil.pid_exists(before))
        assert await pid_of(running) != before


async def test_an_idle_process_killed_from_outside_is_replaced_at_once() -> None:
    async with pool() as running:
        before = await pid_of(running)

        psutil.Process(before).kill()

        await until(lambda: [process.pid for process in workers()] not in ([], [before]))
        assert await pid_of(running) != before


async def test_a_request_whose_process_is_killed_is_computed_by_another() -> None:
    async with pool() as running:
        before = await pid_of(running)
        task = asyncio.create_task(running.run(HOLD, (300,)))
        await asyncio.sleep(0)

        psutil.Process(before).kill()

        result, _ = await task
        assert int(result.text) != before


async def test_a_request_whose_process_is_killed_twice_is_rejected_and_the_pool_continues() -> None:
    async with pool() as running:
        task = asyncio.create_task(running.run(HOLD, (60_000,)))
        for _ in range(2):
            await until(lambda: busy() and len(workers()) > 0)
            victim = workers()[0]
            victim.kill()
            await until(partial(has_ended, victim.pid))

        with pytest.raises(Overloaded):
            await task
        assert await pid_of(running)


async def test_a_result_that_needs_more_memory_than_a_process_has_is_rejected() -> None:
    async with pool() as running:
        with pytest.raises(Overloaded, match="memory"):
            await running.run(POWER, (3, 4_000_000_000))

        assert (await running.run(POWER, (2, 5)))[0].text == b"32"


async def test_processes_that_cannot_start_are_not_restarted_in_a_tight_loop() -> None:
    async def start() -> None:
        async with Pool(1, 1, 1, memory_bytes=10**30).running():
            pytest.fail("it started with more memory than there can be")

    started = time.monotonic()
    with capture_logs() as lines:
        starting = asyncio.create_task(start())
        await until(lambda: len(lines) > 0)
        await asyncio.sleep(1.5)
        assert len(lines) <= time.monotonic() - started + 1
        starting.cancel()
        await asyncio.wait({starting})

    assert starting.cancelled()
    assert workers() == []
