"""The service in its own process, with a client."""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil

# Below the range from which Linux and macOS choose ports of outgoing connections.
_PORTS = range(15_000, 32_000)
# pytest-randomly gives every test process the same seed.
_RANDOM = random.SystemRandom()


def free_port() -> int:
    """A random port that is not in use; no outgoing connection takes it before the caller does."""
    while True:
        port = _RANDOM.choice(_PORTS)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(claim: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait for a true value of `claim` and return it; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := claim()):
        assert time.monotonic() < end, f"no true value within {seconds} s"
        time.sleep(0.005)
    return value


def interruptible() -> None:
    """For `preexec_fn`: children of a background process inherit that it ignores interrupts, and under nohup SIGHUP."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Server:
    """`mathops serve` with its data in `folder`."""

    def __init__(self, folder: Path, variables: dict[str, str], port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.variables = variables
        # Coverage takes a third of the processor time of a start, and a killed process loses what it measured.
        self.measured = False
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.log = folder / "server.log"

    @property
    def environment(self) -> dict[str, str]:
        removed = ("MATHOPS_", "OTEL_") if self.measured else ("MATHOPS_", "OTEL_", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
        own = {"MATHOPS_DATA_DIR": str(self.folder / "data"), "MATHOPS_HTTP_PORT": str(self.port)}
        return {**kept, "XDG_CONFIG_HOME": str(self.folder / "config"), **own, **self.variables}

    def start(self, *arguments: str, before: Sequence[str] = ()) -> "Server":
        """`before` is a command that runs the service, such as nohup."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "mathops", "serve", *arguments],
                env=self.environment,
                stderr=log,
                stdout=log,
                start_new_session=True,
                preexec_fn=interruptible,  # noqa: PLW1509 - takes no lock
            )
        eventually(self.answers, 30)
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/livez").status_code == 200
        except httpx2.TransportError:
            return False

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "mathops", *arguments],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def login(self, user: str = "alice") -> dict[str, str]:
        answer = self.client.post("/login", json={"user": user})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def processes(self, module: str) -> list[psutil.Process]:
        """Descendants that run `module`."""
        assert self.process is not None
        return [
            process
            for process in psutil.Process(self.process.pid).children(recursive=True)
            if process.is_running() and module in " ".join(_command(process))
        ]

    @property
    def web_workers(self) -> list[psutil.Process]:
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "-m mathops.journal.process" not in " ".join(_command(child))]

    def rows(self, columns: str = "*", where: str = "1") -> list[tuple[Any, ...]]:
        """Rows of the journal, oldest first."""
        with closing(sqlite3.connect(self.folder / "data" / "mathops.db")) as database:
            query = f"SELECT {columns} FROM requests WHERE {where} ORDER BY seq"
            return database.execute(query).fetchall()

    def metric(self, name: str) -> float:
        """The value of a series in Prometheus notation; 0 if it is absent."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def stop(self, seconds: float = 20) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Kill it and all its children."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.client.close()


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Server]:
    """A started server, killed at the end."""
    server = Server(folder, variables)
    try:
        yield server.start()
    finally:
        server.kill()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
