"""A bounded pool of computing processes that can be killed; docs/adr/0004-own-process-pool.md compares libraries."""

import asyncio
import os
import pickle
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from mathops.errors import DeadlineExceeded, Overloaded
from mathops.operations import Operation, Result
from mathops.ports import Timing
from mathops.processes.ipc import ChildProcess
from mathops.telemetry import metrics
from mathops.telemetry.logs import get_logger
from mathops.telemetry.tracing import NO_TRACING, AnyTracing

log = get_logger(__name__)

# An idle process exits within milliseconds.
FINISH_SECONDS = 0.5
# A process that cannot start must not be started in a tight loop.
_RESTART_SECONDS = 1.0


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class WorkerDied(Exception):
    """The process ended before it replied."""


class PoolWorker:
    """One computing process, which computes one result at a time."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        # The first reply means that the process is ready.
        self._reply: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self.child: ChildProcess
        self._stopped = False

    @classmethod
    @asynccontextmanager
    async def running(cls, memory_bytes: int) -> AsyncIterator["PoolWorker"]:
        """A ready process with `memory_bytes` of address space; raises WorkerDied or OSError."""
        worker = cls()
        child = worker.child = await ChildProcess.start(
            "mathops.processes.pool_worker", worker._receive, str(memory_bytes)
        )
        child.ended.add_done_callback(worker._on_child_ended)
        try:
            await worker._reply
            yield worker
        finally:
            await child.finish(FINISH_SECONDS)

    @property
    def is_dead(self) -> bool:
        return self._stopped or self.child.ended.done()

    async def run(
        self, operation: Operation, arguments: tuple[int, ...], threads: int, seconds: float
    ) -> tuple[Result, float, float]:
        """The result, and the seconds taken to compute it and to convert it to decimal; raises WorkerDied."""
        self._reply = asyncio.get_running_loop().create_future()
        self.child.send(pickle.dumps((operation.compute, arguments, threads, seconds)))
        *parts, summary = await self._reply
        sha256, compute, encode = msgspec.msgpack.decode(summary)
        # Joining more than a mebibyte releases the GIL.
        text = await asyncio.to_thread(b"".join, parts) if len(parts) > 1 else parts[0]
        return Result.of(text, sha256), compute, encode

    def stop(self) -> None:
        self._stopped = True
        self.child.kill()

    async def wait_ended(self) -> None:
        await asyncio.wait((self.child.ended,))
        metrics.POOL_WORKER_EXITS.labels("killed" if self._stopped else "died").inc()
        if not self._stopped:
            log.warning("computing process died", pid=self.child.pid)

    def _receive(self, frame: bytes) -> None:
        if frame:
            self._frames.append(frame)
        elif not self._reply.done():
            self._reply.set_result(self._frames)
            self._frames = []

    def _on_child_ended(self, _: asyncio.Future[None]) -> None:
        if not self._reply.done():
            self._reply.set_exception(WorkerDied())


@dataclass(eq=False)
class Pool:
    """Implements ports.ComputePool in `size` processes; at most `queue` computations wait for one."""

    size: int
    queue: int
    deadline: float
    memory_bytes: int
    tracing: AnyTracing = NO_TRACING
    _idle: asyncio.LifoQueue[PoolWorker] = field(default_factory=asyncio.LifoQueue, init=False)
    _waiting: int = field(default=0, init=False)
    _threads: int = field(default=0, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Pool"]:
        supervisors = [asyncio.create_task(self._supervise_worker()) for _ in range(self.size)]
        try:
            for worker in [await self._idle.get() for _ in supervisors]:
                self._idle.put_nowait(worker)
            yield self
        finally:
            for supervisor in supervisors:
                supervisor.cancel()
            await asyncio.wait(supervisors)

    async def _supervise_worker(self) -> None:
        """Run one process after another."""
        while True:
            try:
                async with PoolWorker.running(self.memory_bytes) as worker:
                    self._idle.put_nowait(worker)
                    with metrics.POOL_WORKERS.track_inprogress():
                        await worker.wait_ended()
            except (OSError, WorkerDied) as error:
                log.error("computing process cannot be started", error=str(error) or "it exited at once")
                await asyncio.sleep(_RESTART_SECONDS)

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        """Compute; raises Overloaded or DeadlineExceeded. Cancelling kills the process at once."""
        if self._idle.empty() and self._waiting >= self.queue:
            raise Overloaded(f"{self.queue} computations are waiting already; retry later")
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.deadline):
                try:
                    return await self._attempt(operation, arguments, started)
                except WorkerDied:
                    # It may have been killed from outside. A result that needs too much memory fails again.
                    return await self._attempt(operation, arguments, started)
        except TimeoutError:
            raise DeadlineExceeded(
                f"the computation did not finish within {self.deadline:g} s; request a smaller result",
                deadline_seconds=self.deadline,
            ) from None
        except WorkerDied:
            raise Overloaded("the computing process died twice, possibly because memory ran out") from None

    async def _attempt(self, operation: Operation, arguments: tuple[int, ...], started: float) -> tuple[Result, Timing]:
        worker = await self._take()
        taken = time.perf_counter()
        threads = self._free_threads()
        self._threads += threads
        try:
            with metrics.POOL_BUSY.track_inprogress():
                seconds = self.deadline - (taken - started)
                result, compute, encode = await worker.run(operation, arguments, threads, seconds)
        except WorkerDied:
            raise
        except BaseException:
            # After a cancellation or the deadline the process would continue to compute.
            worker.stop()
            raise
        finally:
            self._threads -= threads
        self._idle.put_nowait(worker)
        self.tracing.add_child_span(
            "compute in process", compute + encode, **{"process.pid": worker.child.pid, "mathops.digits": result.digits}
        )
        return result, Timing(taken - started, compute, encode)

    def _free_threads(self) -> int:
        """A second thread for the conversion only while a process is idle; by default there is one per usable core."""
        return 2 if self._threads + 2 <= self.size else 1

    async def _take(self) -> PoolWorker:
        self._waiting += 1
        try:
            with metrics.POOL_QUEUED.track_inprogress():
                # _supervise_worker replaces each dead process.
                while (worker := await self._idle.get()).is_dead:
                    pass
                return worker
        finally:
            self._waiting -= 1
