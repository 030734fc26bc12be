"""A bounded pool of computing processes, each of which can be killed.

Why not a library's pool: docs/adr/0004-own-process-pool.md.
"""

import asyncio
import pickle
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec

from mathops.child import Child
from mathops.errors import DeadlineExceeded, Overloaded
from mathops.operations import Operation, Result
from mathops.telemetry import metrics, tracing
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

_FINISH_SECONDS = 2.0
_RETRY = {"Retry-After": "1"}


class Timing(NamedTuple):
    """Seconds a computation spent waiting, computing and writing in decimal."""

    queue: float
    compute: float
    encode: float


class Lost(Exception):
    """The process ended before its result."""


class Worker:
    """One computing process and the computation it has."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._child: Child | None = None

    @classmethod
    async def start(cls, memory_bytes: int) -> "Worker":
        """Start the process; `memory_bytes` is its address space."""
        worker = cls()
        worker._child = await Child.start("mathops.compute_worker", worker._answered, worker._exited, str(memory_bytes))
        return worker

    @property
    def child(self) -> Child:
        """The process."""
        assert self._child is not None
        return self._child

    async def run(self, operation: Operation, arguments: tuple[int, ...], seconds: float) -> bytes:
        """The frame that the process answers; raises Lost when it ends instead."""
        self._answer = asyncio.get_running_loop().create_future()
        self.child.send(pickle.dumps((operation.compute, arguments, seconds)))
        return await self._answer

    def _answered(self, frame: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(frame)

    def _exited(self) -> None:
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        if not self._answer.done():
            self._answer.set_exception(Lost())
            self._answer.exception()

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return self._answer is not None and self._answer.done() and self._answer.exception() is not None


class Pool:
    """Computes in `size` processes; `queue` computations may wait for one."""

    def __init__(self, size: int, queue: int, deadline: float, memory_bytes: int) -> None:
        self._size = size
        self._queue = queue
        self._deadline = deadline
        self._memory_bytes = memory_bytes
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._waiting = 0
        self._starting: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Pool"]:
        """Start all processes, and end them on the way out."""
        for _ in range(self._size):
            await self._add()
        try:
            yield self
        finally:
            for task in self._starting:
                task.cancel()
            while not self._idle.empty():
                await self._idle.get_nowait().child.finish(_FINISH_SECONDS)

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        """Compute, or raise Overloaded or DeadlineExceeded; cancelling kills the process at once."""
        if self._idle.empty() and self._waiting >= self._queue:
            raise Overloaded(f"{self._queue} computations wait already; try again in a second", headers=_RETRY)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline):
                try:
                    return await self._attempt(operation, arguments, started)
                except Lost:
                    # It may have been killed from outside; a result that needs too much memory fails again.
                    return await self._attempt(operation, arguments, started)
        except TimeoutError:
            raise DeadlineExceeded(
                f"the computation did not end within {self._deadline:g} s; ask for a smaller result",
                deadline_seconds=self._deadline,
            ) from None
        except Lost:
            raise Overloaded(
                "the computing process was lost twice, perhaps for want of memory", headers=_RETRY
            ) from None

    async def _attempt(self, operation: Operation, arguments: tuple[int, ...], started: float) -> tuple[Result, Timing]:
        worker = await self._take()
        taken = time.perf_counter()
        metrics.POOL_BUSY.inc()
        try:
            frame = await worker.run(operation, arguments, self._deadline - (taken - started))
        except BaseException as error:
            reason = "lost" if isinstance(error, Lost) else "stopped"
            metrics.POOL_LOST.labels(reason).inc()
            if reason == "lost":
                log.warning("computing process lost", operation=operation.name, pid=worker.child.pid)
            self._replace(worker)
            raise
        finally:
            metrics.POOL_BUSY.dec()
        self._idle.put_nowait(worker)
        length = int.from_bytes(frame[:2])
        digits, compute, encode = msgspec.msgpack.decode(frame[2 : 2 + length])
        tracing.elsewhere(
            "compute in process", compute + encode, **{"process.pid": worker.child.pid, "mathops.digits": digits}
        )
        return Result(frame[2 + length :], digits), Timing(taken - started, compute, encode)

    async def _take(self) -> Worker:
        self._waiting += 1
        metrics.POOL_WAITING.inc()
        try:
            while (worker := await self._idle.get()).gone:
                self._replace(worker)
            return worker
        finally:
            self._waiting -= 1
            metrics.POOL_WAITING.dec()

    def _replace(self, worker: Worker) -> None:
        worker.child.kill()
        metrics.POOL_WORKERS.dec()
        task = asyncio.create_task(self._add())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _add(self) -> None:
        self._idle.put_nowait(await Worker.start(self._memory_bytes))
        metrics.POOL_WORKERS.inc()
