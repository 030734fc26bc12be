"""gunicorn with uvicorn workers, and what must be ready before they fork.

prometheus_client chooses its mode when it is first imported, so nothing that imports it is imported
here before `multiprocess_metrics` has been called.
"""

import math
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from mathops.errors import StartupError
from mathops.settings import Settings, load
from mathops.telemetry import logs, tracing

if TYPE_CHECKING:
    from mathops.web.app import Application

# What a worker needs beyond its requests: the journal's last commit, the last traces, its processes' end.
_FLUSH_SECONDS = 5
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def serve(settings: Settings, *, reload: bool = False) -> None:
    """Run until a signal; raises StartupError."""
    logs.configure(settings.log_level, settings.log_format)
    with multiprocess_metrics(settings.workers):
        # The port first: a second service by mistake should not touch the journal of the first.
        descriptor = _listener(settings)
        prepare(settings)
        if reload:
            _serve_reloading(settings, descriptor)
        else:
            _Gunicorn(settings, descriptor).run()


def prepare(settings: Settings) -> None:
    """Make keys and journal, once, before any worker starts; raises StartupError."""
    from mathops.identity import keys
    from mathops.journal import request_log
    from mathops.journal.migrations import schema

    log = logs.get_logger(__name__)
    # What is there is looked at before anything is made, so that a fault is all there is to read.
    _validate(settings)
    request_log.prepare(settings.log_path)
    schema.upgrade(settings.journal_url)
    if keys.ensure(settings.keys_path):
        log.info("made a signing key", path=str(settings.keys_path))
    if settings.demo:
        log.warning("anyone may log in under any name; set MATHOPS_USERS_FILE to ask for passwords")


def _validate(settings: Settings) -> None:
    from mathops.events import tls
    from mathops.identity import keys, users
    from mathops.shared.rate_limits import policies

    tracing.check()
    policies(settings)
    if settings.redis_url:
        # Its client is half a second of imports, which the workers then need no more.
        from mathops.shared.redis_client import client

        client(settings.redis_url, settings.redis_timeout_seconds)
    tls.kafka_context(settings)
    if settings.users_file is not None:
        users.UsersFile(settings.users_file)
    if settings.keys_path.exists():
        keys.read(settings.keys_path)


def build() -> "Application":
    """The application by the environment's settings; uvicorn's factory when reloading."""
    settings = load().settings
    logs.configure(settings.log_level, settings.log_format)
    return _application(settings)


@contextmanager
def multiprocess_metrics(workers: int) -> Iterator[None]:
    """Let several workers count together, in a folder that starts empty and goes with the master."""
    if workers == 1:
        os.environ.pop(_MULTIPROCESS, None)
        yield
        return
    folder = tempfile.mkdtemp(prefix="mathops-metrics-")
    os.environ[_MULTIPROCESS] = folder
    master = os.getpid()
    try:
        yield
    finally:
        # Forked workers leave through here too.
        if os.getpid() == master:
            shutil.rmtree(folder, ignore_errors=True)


def _application(settings: Settings) -> "Application":
    from mathops.bootstrap import open_resources
    from mathops.web.app import create_app

    return create_app(settings, open_resources)


def _listener(settings: Settings) -> int:
    """The descriptor of a bound socket, which gunicorn takes over; its own retries would hide a taken port."""
    host, port = settings.http_host, settings.http_port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; "
            "set MATHOPS_HTTP_PORT or MATHOPS_HTTP_HOST to another one"
        ) from None
    return listener.detach()


def _serve_reloading(settings: Settings, descriptor: int) -> None:
    import uvicorn

    package = Path(__file__).parents[1]
    uvicorn.run(
        "mathops.server.master:build",
        factory=True,
        fd=descriptor,
        reload=True,
        reload_dirs=[str(package)],
        log_config=None,
        access_log=False,
        proxy_headers=trust_proxy_headers(),
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_seconds),
    )


def trust_proxy_headers() -> bool:
    """Whether some proxy may say where a request comes from; whose word counts is for the operator to tell."""
    return "FORWARDED_ALLOW_IPS" in os.environ


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log as part of ours."""

    def setup(self, cfg: Any) -> None:
        """Hand every line on to the root logger."""
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.access_log.disabled = True


class _Arbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's master; the second SIGTERM ends at once what the first lets end by itself."""

    stopping = False

    def signal(self, sig: int, frame: FrameType | None) -> None:
        """Keep a signal for the main loop."""
        again = sig == signal.SIGTERM and self.stopping
        self.stopping |= sig == signal.SIGTERM
        super().signal(signal.SIGQUIT if again else sig, frame)


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, descriptor: int) -> None:
        self._settings = settings
        self._descriptor = descriptor
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        stop = settings.shutdown_delay_seconds + settings.shutdown_timeout_seconds + _FLUSH_SECONDS
        for name, value in {
            "bind": f"fd://{self._descriptor}",
            "workers": settings.workers,
            "worker_class": "mathops.server.web_worker.WebWorker",
            "graceful_timeout": int(stop) + 1,
            "keepalive": 75,
            "logger_class": _Log,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - heartbeats, not data
            "child_exit": _forget_worker,
        }.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        _Arbiter(self).run()

    def load(self) -> "Application":
        return _application(self._settings)


def _forget_worker(_: Any, worker: Any) -> None:
    if _MULTIPROCESS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
