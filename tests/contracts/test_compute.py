"""The contract of every ComputePool."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.operations import OPERATIONS, Operation
from mathops.operations.power import OPERATION as POWER
from mathops.ports import ComputePool
from mathops.processes.pool import Pool
from tests.support.fakes import InlinePool

pytestmark = pytest.mark.anyio


def costly(operation: Operation) -> tuple[int, ...]:
    """The operation's example, doubled until the result is large or takes a while."""
    arguments = tuple(parameter.example for parameter in operation.parameters)
    while operation.predicted_seconds(operation.predicted_digits(*arguments), *arguments) < 0.001:
        arguments = tuple(2 * argument for argument in arguments)
    return arguments


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
async def test_a_costly_result_is_exact_to_the_last_digit(compute: ComputePool, operation: Operation) -> None:
    arguments = costly(operation)

    result, _ = await compute.run(operation, arguments)

    assert result == operation.result(*arguments)


async def test_a_negative_result_is_exact_to_the_last_digit(compute: ComputePool) -> None:
    result, _ = await compute.run(POWER, (-7, 20_001))

    assert (result.text, result.digits) == (POWER.compute(-7, 20_001).digits().encode(), 16_903)


async def test_the_timing_has_queue_compute_and_encode_seconds(compute: ComputePool) -> None:
    _, timing = await compute.run(POWER, costly(POWER))

    assert timing.queue >= 0
    assert timing.compute > 0
    assert timing.encode > 0


async def test_each_of_many_callers_gets_its_own_result(compute: ComputePool) -> None:
    results = await asyncio.gather(*(compute.run(POWER, (base, 5000)) for base in range(2, 22)))

    assert [result for result, _ in results] == [POWER.result(base, 5000) for base in range(2, 22)]
