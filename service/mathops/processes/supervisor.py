"""Keeps one child process running."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mathops.processes.ipc import ChildProcess
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

RESTART_SECONDS = 0.5


@dataclass(eq=False)
class ProcessSupervisor:
    """Runs `python -m module`, restarts it when it dies, and first sends each process the frames of `first_frames`.

    A frame sent to a dead process is lost: `first_frames` must contain it again.
    """

    module: str
    on_frame: Callable[[bytes], None]
    first_frames: Callable[[], Iterable[bytes]]
    on_death: Callable[[], None]
    child: ChildProcess = field(init=False)
    _backoff: float = field(default=0, init=False)

    @asynccontextmanager
    async def running(self, close_seconds: float) -> AsyncIterator[None]:
        """Start the process; at the end let it finish for at most `close_seconds`. Raises OSError."""
        await self._start()
        restarts = asyncio.create_task(self._restart_forever())
        try:
            yield
        finally:
            restarts.cancel()
            await self.child.finish(close_seconds)

    def reset_backoff(self) -> None:
        """Call when the process has done its work: its next restart is immediate."""
        self._backoff = 0

    async def _start(self) -> None:
        child = await ChildProcess.start(self.module, self.on_frame)
        for frame in self.first_frames():
            child.send(frame)
        self.child = child

    async def _restart_forever(self) -> None:
        while True:
            await asyncio.wait((self.child.ended,))
            self.on_death()
            # A process that dies before it has done any work is not restarted in a tight loop.
            await asyncio.sleep(self._backoff)
            self._backoff = RESTART_SECONDS
            try:
                await self._start()
            except OSError as error:
                log.error("process cannot be started", module=self.module, error=str(error))
