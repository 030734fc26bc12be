"""Computing processes that convert a result with two threads."""

import asyncio
import hashlib
import sys
from pathlib import Path

import psutil
import pytest

from mathops.errors import DeadlineExceeded
from mathops.processes.pool import Pool, PoolWorker, WorkerDied
from tests.support.child_processes import HOLD, SHIFT, shift, until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

MIB = 1024 * 1024
MEMORY = 384 * MIB
# Converted in about 0.1 s and 5 s.
SHORT, LONG = 4_000_000, 100_000_000


def peak_address_space(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmPeak:"))
    return int(line.split()[1]) * 1024


async def test_a_second_thread_needs_little_address_space() -> None:
    async with PoolWorker.running(MEMORY) as worker:
        await worker.run(SHIFT, (SHORT,), threads=1, seconds=60)
        one = peak_address_space(worker.child.pid)
        await worker.run(SHIFT, (SHORT,), threads=2, seconds=60)

        assert peak_address_space(worker.child.pid) - one < 16 * MIB


@pytest.mark.parametrize("threads", [1, 2])
async def test_a_result_arrives_with_its_sha256(threads: int) -> None:
    async with PoolWorker.running(MEMORY) as worker:
        first, second = [(await worker.run(SHIFT, (SHORT,), threads, seconds=60))[0] for _ in range(2)]

    assert first.text == second.text == shift(SHORT).digits().encode("ascii")
    assert first.known_sha256 == second.known_sha256 == hashlib.sha256(first.text).hexdigest()


async def test_the_timer_ends_a_process_with_two_threads() -> None:
    async with PoolWorker.running(MEMORY) as worker:
        # The timer adds half a second.
        with pytest.raises(WorkerDied):
            await worker.run(SHIFT, (LONG,), threads=2, seconds=-0.3)


async def test_the_deadline_ends_a_process_with_two_threads() -> None:
    async with Pool(size=2, queue=1, deadline=60, memory_bytes=MEMORY).running() as pool:
        await pool.run(SHIFT, (5,))
        before = {child.pid for child in psutil.Process().children()}
        pool.deadline = 0.5
        with pytest.raises(DeadlineExceeded):
            await pool.run(SHIFT, (LONG,))

        await until(lambda: before - {child.pid for child in psutil.Process().children()} != set())
        pool.deadline = 60
        assert (await pool.run(SHIFT, (5,)))[0].text == b"224"


@pytest.mark.parametrize(("size", "busy", "threads"), [(1, 0, 1), (2, 0, 2), (2, 1, 1)])
async def test_a_second_thread_needs_an_idle_process(size: int, busy: int, threads: int) -> None:
    async with Pool(size, queue=1, deadline=60, memory_bytes=MEMORY).running() as pool:
        held = [asyncio.create_task(pool.run(HOLD, (60_000,))) for _ in range(busy)]
        await asyncio.sleep(0)
        conversion = asyncio.create_task(pool.run(SHIFT, (SHORT,)))
        seen = set()
        while not conversion.done():
            seen.add(max(child.num_threads() for child in psutil.Process().children()))
            await asyncio.sleep(0.005)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    assert max(seen) == threads
