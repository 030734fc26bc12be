"""The contract of every ComputePool."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.operations import OPERATIONS, Operation
from mathops.ports import ComputePool
from mathops.processes.pool import Pool
from tests.support.fakes import InlinePool

pytestmark = pytest.mark.anyio

LARGE = {"pow": (-7, 20_001), "fib": (100_000,), "fact": (20_000,)}


@asynccontextmanager
async def fake() -> AsyncIterator[ComputePool]:
    yield InlinePool()


@asynccontextmanager
async def processes() -> AsyncIterator[ComputePool]:
    async with Pool(size=2, queue=100, deadline=30, memory_bytes=384 * 1024 * 1024).running() as pool:
        yield pool


PARTS: dict[str, Callable[[], AbstractAsyncContextManager[ComputePool]]] = {"fake": fake, "processes": processes}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=PARTS, scope="module")
async def compute(request: pytest.FixtureRequest) -> AsyncIterator[ComputePool]:
    async with PARTS[request.param]() as part:
        yield part


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_a_large_result_is_exact_to_the_last_digit(compute: ComputePool, operation: Operation) -> None:
    arguments = LARGE[operation.name]

    result, _ = await compute.run(operation, arguments)

    assert result == operation.result(*arguments)
    assert result.digits > 10_000


async def test_the_timing_has_queue_compute_and_encode_seconds(compute: ComputePool) -> None:
    _, timing = await compute.run(OPERATIONS[0], LARGE[OPERATIONS[0].name])

    assert timing.queue >= 0
    assert timing.compute > 0
    assert timing.encode > 0


async def test_each_of_many_callers_gets_its_own_result(compute: ComputePool) -> None:
    power = next(operation for operation in OPERATIONS if operation.name == "pow")

    results = await asyncio.gather(*(compute.run(power, (base, 5000)) for base in range(2, 22)))

    assert [result for result, _ in results] == [power.result(base, 5000) for base in range(2, 22)]
