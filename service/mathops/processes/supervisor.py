"""Keeps one server process running for all processes that connect to it."""

import asyncio
import math
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, cast

from mathops.processes.connection_queue import ConnectionQueue
from mathops.processes.ipc import run_module
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# A process that dies at its start must not be started in a tight loop.
RESTART_SECONDS = 0.5
_CHECK_SECONDS = 0.1


class ProcessSupervisor:
    """Runs `python -m module DESCRIPTOR RESTARTS ARGUMENTS` and restarts it when it dies.

    The process reads `configuration` from standard input, and exits when all clients have closed their connections
    and `stop` was called.
    """

    def __init__(self, module: str, configuration: bytes, *arguments: str) -> None:
        self._module = module
        self._arguments = arguments
        self._configuration = configuration
        self._queue = ConnectionQueue()
        self.connect = self._queue.connect
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._started_at = -math.inf
        self._stopping = False

    @contextmanager
    def preloading(self) -> Iterator[None]:
        """Let the process import its modules during the block; the next `check` configures it. An error ends it."""
        self._start()
        try:
            yield
        except BaseException:
            if self._process:
                with self._process:
                    self._process.kill()
            raise

    def check(self) -> None:
        """Start the process unless it runs, and configure it; call this at least every second."""
        if self._stopping:
            return
        if self._process and self._process.poll() is not None:
            log.error("process died; restarting", module=self._module)
            self._process = None
            self._restarts = 1
        if self._process is None and time.monotonic() - self._started_at >= RESTART_SECONDS:
            self._start()
        if self._process and not (stdin := cast(IO[bytes], self._process.stdin)).closed:
            with suppress(BrokenPipeError), stdin:
                stdin.write(self._configuration)

    def _start(self) -> None:
        self._started_at = time.monotonic()
        try:
            self._process = run_module(
                self._module, self._queue.server_end, str(self._restarts), *self._arguments, stdin=subprocess.PIPE
            )
        except OSError as error:
            log.error("process cannot be started", module=self._module, error=str(error))

    def stop(self, seconds: float) -> None:
        """Let the process finish for at most `seconds`; clients must have closed their connections."""
        if self._stopping:
            return
        self._stopping = True
        self._queue.close()
        if self._process:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                log.warning("process does not finish; killed", module=self._module)
                self._process.kill()
                self._process.wait()

    @asynccontextmanager
    async def running(self, stop_seconds: float) -> AsyncIterator["ProcessSupervisor"]:
        """Check within the event loop, for a service without a master."""
        self.check()
        checks = asyncio.create_task(self._check_forever())
        try:
            yield self
        finally:
            checks.cancel()
            await asyncio.to_thread(self.stop, stop_seconds)

    async def _check_forever(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            self.check()
