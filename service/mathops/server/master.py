"""The gunicorn master, and the preparation before it forks web workers."""

import ipaddress
import math
import os
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.supervisors import ChangeReload

from mathops.bootstrap import JOURNAL_STOP_SECONDS, WORKER_CLOSE_SECONDS, build_application
from mathops.errors import StartupError
from mathops.identity import keys
from mathops.identity.issuers import issuers_file
from mathops.identity.users import UsersFile
from mathops.journal import request_log
from mathops.journal.database import schema
from mathops.processes.supervisor import ProcessSupervisor
from mathops.server.listeners import bind
from mathops.server.web_worker import WebWorker, uvicorn_options
from mathops.settings import Settings, load
from mathops.shared.rate_limits import policies
from mathops.telemetry import logs, metrics, tracing_setup
from mathops.telemetry.metric_memory import allocate

log = logs.get_logger(__name__)


def serve_with_reload(settings: Settings) -> None:
    """Run one worker for development, restarted when the source changes; raises StartupError."""
    sockets = bind_and_prepare(settings)
    folder = str(Path(__file__).parents[1])
    options = {**uvicorn_options(settings), "reload": True, "log_config": None, "access_log": False}
    config = Config("mathops.server.master:reloadable_application", factory=True, reload_dirs=[folder], **options)
    ChangeReload(config, target=Server(config).run, sockets=sockets).run()


def bind_and_prepare(settings: Settings) -> list[socket.socket]:
    """The listening sockets; raises StartupError."""
    # Bind first: a second service started by mistake must not touch the journal of the first.
    sockets = bind(settings)
    prepare(settings)
    return sockets


def prepare(settings: Settings) -> None:
    """Validate settings and existing files, then create keys and journal; raises StartupError."""
    tracing_setup.check()
    _check_proxies(os.environ.get("FORWARDED_ALLOW_IPS", "*"))
    policies(settings)
    if settings.redis_url:
        # Importing redis takes half a second.
        from mathops.shared.redis_client import client

        client(settings.redis_url, settings.redis_timeout_seconds)
    if settings.kafka_tls:
        # Importing aiokafka takes 0.4 s.
        from mathops.events.kafka_connection import kafka_ssl_context

        kafka_ssl_context(settings)
    if settings.users_file is not None:
        UsersFile(settings.users_file)
    if settings.clients_file is not None:
        UsersFile(settings.clients_file, kind="clients")
    if settings.issuers_file:
        issuers_file.read(settings.issuers_file, settings.token_issuer)
    if settings.keys_path.exists():
        keys.read(settings.keys_path)
    request_log.prepare(settings.log_path)
    schema.upgrade(settings.journal_url)
    if keys.ensure(settings.keys_path):
        log.info("signing key created", path=str(settings.keys_path))
    if settings.demo:
        log.warning("login accepts any user name without a password; set MATHOPS_USERS_FILE to require passwords")


def _check_proxies(trusted: str) -> None:
    """Raises StartupError for what gunicorn or uvicorn would reject without the name of the variable."""
    if trusted.strip() == "*":
        return
    for proxy in filter(None, (part.strip() for part in trusted.split(","))):
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise StartupError(
                f"FORWARDED_ALLOW_IPS: {error}; write addresses or networks such as 10.0.0.0/8, separated by commas"
            ) from None


def reloadable_application() -> Starlette:
    """The application configured by the environment; uvicorn calls it after each reload."""
    settings = load().settings
    logs.configure(settings.log_level, settings.log_format)
    return build_application(settings)


class _Log(Logger):  # type: ignore[misc]
    """Passes gunicorn's log lines to the root logger."""

    def setup(self, cfg: Any) -> None:
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.access_log.disabled = True


class _Arbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's master, which also keeps the journal process running.

    A second SIGTERM ends the wait for open requests, and workers have 2 s to exit. SIGHUP, the signal of a closed
    terminal, stops the service too, unless it was ignored at the start, as under nohup.
    """

    stopping = False

    def init_signals(self) -> None:
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            self.SIGNALS = [number for number in Arbiter.SIGNALS if number != signal.SIGHUP]
        super().init_signals()

    def signal(self, sig: int, frame: FrameType | None) -> None:
        if sig in (signal.SIGTERM, signal.SIGHUP):
            sig = signal.SIGQUIT if self.stopping else signal.SIGTERM
            self.stopping = True
        super().signal(sig, frame)

    def handle_ttin(self) -> None:
        """Start a worker again after SIGTTOU; the memory of metrics has room for no more."""
        if self.num_workers < self.app.settings.workers:
            super().handle_ttin()

    def manage_workers(self) -> None:
        """Runs every second, and when a child process has ended."""
        self.app.journal.check()
        super().manage_workers()

    def reap_workers(self) -> None:
        """Runs also while the workers stop."""
        super().reap_workers()
        self.app.journal.check()

    def stop(self, graceful: bool = True) -> None:
        super().stop(graceful)
        self.app.journal.stop(JOURNAL_STOP_SECONDS)


class Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, sockets: list[socket.socket], journal: ProcessSupervisor) -> None:
        self.settings = settings
        metrics.MEMORY.use(allocate(settings.workers))
        self.journal = journal
        # gunicorn closes the descriptors.
        self._descriptors = [listener.detach() for listener in sockets]
        super().__init__()

    def load_config(self) -> None:
        stop = self.settings.shutdown_delay_seconds + self.settings.shutdown_timeout_seconds + WORKER_CLOSE_SECONDS
        for name, value in {
            "bind": [f"fd://{descriptor}" for descriptor in self._descriptors],
            "workers": self.settings.workers,
            "worker_class": WebWorker,
            "graceful_timeout": math.ceil(stop),
            "keepalive": 75,
            "logger_class": _Log,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - heartbeats, not data
            "pre_fork": self.assign_metrics,
            "post_fork": lambda _, worker: metrics.join(worker.metrics_region),
            "child_exit": lambda _, worker: metrics.MEMORY.clear_gauges(worker.metrics_region),
        }.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        _Arbiter(self).run()

    def load(self) -> Starlette:
        return build_application(self.settings, self.journal.connect)

    def assign_metrics(self, arbiter: Arbiter, worker: WebWorker) -> None:
        """Assign a region of the metrics' memory to a new worker: one that no running worker uses."""
        used = {other.metrics_region for other in arbiter.WORKERS.values()}
        worker.metrics_region = min(set(range(self.settings.workers)) - used)
        metrics.MEMORY.clear_gauges(worker.metrics_region)
