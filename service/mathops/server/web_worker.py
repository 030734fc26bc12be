"""The web worker: uvicorn under gunicorn, with a graceful stop."""

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from mathops.server.first_steps import first_steps
from mathops.server.http_protocol import TimeoutProtocol
from mathops.settings import Settings

# The pause after a failed start of a web worker that replaces another.
_RESTART_SECONDS = 1.0


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Options of uvicorn's Config, under gunicorn and with --reload."""
    return {
        "http": partial(TimeoutProtocol, settings),
        "ws": "none",
        "server_header": False,
        # The application reads them.
        "proxy_headers": False,
        "timeout_graceful_shutdown": math.ceil(settings.shutdown_timeout_seconds),
    }


def tune_gc() -> None:
    # A full collection through the startup objects takes 70 ms.
    gc.collect()
    gc.freeze()
    # Requests create no reference cycles; a collection every 700 objects costs 3 % of the processor time.
    gc.set_threshold(20_000, 20, 20)


class DrainingServer(Server):
    """On a signal reports not ready, serves for the shutdown delay, then waits for open requests.

    Exits when the master exits, because nothing else would stop or replace it.
    """

    def __init__(self, worker: "WebWorker") -> None:
        super().__init__(worker.config)
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._worker.is_first and sys.stderr.isatty():
            sys.stderr.write(first_steps(self._worker.settings))

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second."""
        if os.getppid() != self._worker.ppid:
            self._stop()
        # uvicorn sends the heartbeat by the wall clock. After a clock was set back it would pause until that time, and
        # gunicorn would kill the worker.
        if time.time() < self.last_notified:
            self.last_notified = 0
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A signal handler may run between any two instructions of the main thread.
        asyncio.get_running_loop().call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        resources = getattr(self._worker.wsgi.state, "resources", None)
        if resources is None or resources.draining:
            # A second signal, or one before startup has finished.
            self._stop()
            return
        resources.draining = True
        asyncio.get_running_loop().call_later(self._worker.delay, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


class WebWorker(UvicornWorker):
    # Of the memory of metrics; assigned by the master before fork.
    metrics_region: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings: Settings = self.app.settings
        for name, value in uvicorn_options(settings).items():
            setattr(self.config, name, value)
        self.settings = settings
        self.delay = settings.shutdown_delay_seconds
        # gunicorn counts the workers that it has started.
        self.is_first = self.age == 1
        # uvicorn's log lines go to the root logger. Its access log is off because the request log has more detail.
        logging.getLogger("uvicorn.error").propagate = True
        logging.getLogger("uvicorn.access").handlers = []

    def init_signals(self) -> None:
        super().init_signals()
        # A closed terminal signals the whole process group, and the master stops its workers gracefully.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = DrainingServer(self)
        # The master sends SIGQUIT after a second SIGTERM.
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None)
        tune_gc()
        # uvicorn exits with a code that ends the master.
        with suppress(SystemExit):
            # gunicorn's wrapper logs an error when uvloop has closed its descriptor.
            await server.serve(sockets=[wrapper.sock for wrapper in self.sockets])
        if server.started:
            return
        if self.age <= self.settings.workers:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        # Other workers serve, and the cause may pass, such as a broken users file.
        await asyncio.sleep(_RESTART_SECONDS)
        sys.exit(1)
