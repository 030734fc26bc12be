"""Starts the compared servers on loopback, each in its own process group."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

HERE = Path(__file__).parent
# A PYTHONPATH with the package of the tests.
IMPORT_PATH = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
GUNICORN = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--log-level", "warning"]


class Command(NamedTuple):
    """A server: its arguments, its folder and its additional environment variables."""

    arguments: list[str]
    folder: Path
    variables: dict[str, str]


@contextmanager
def running(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends; its output goes to output.log in its folder."""
    command.folder.mkdir(parents=True, exist_ok=True)
    with (command.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command.arguments,
            env={**os.environ, **command.variables},
            cwd=HERE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def mathops(folder: Path, port: int, **variables: str) -> Command:
    """The service with one web worker and embedded dependencies."""
    settings = {"MATHOPS_DATA_DIR": str(folder), "MATHOPS_HTTP_PORT": str(port), **variables}
    return Command([sys.executable, "-m", "mathops", "serve"], folder, settings)


def starlette_baseline(folder: Path, port: int, workers: int = 1) -> Command:
    """One Starlette handler on the same server software."""
    arguments = ["-w", str(workers), "-k", "uvicorn_worker.UvicornWorker", "-b", f"127.0.0.1:{port}"]
    arguments.append("starlette_baseline:app")
    return Command([*GUNICORN, *arguments], folder, {})


def commit_baseline(folder: Path, port: int, **variables: str) -> Command:
    """A handler that only commits a record, on the server and the journal of the service."""
    settings = {"MATHOPS_DATA_DIR": str(folder), "MATHOPS_HTTP_PORT": str(port), "PYTHONPATH": IMPORT_PATH}
    return Command([sys.executable, "commit_baseline.py"], folder, {**settings, **variables})


def flask_baseline(folder: Path, port: int, redis_port: int) -> Command:
    """Flask under gunicorn with its defaults: one synchronous worker."""
    arguments = [*GUNICORN, "-b", f"127.0.0.1:{port}", "flask_baseline:app"]
    redis_url = f"redis://127.0.0.1:{redis_port}"
    return Command(arguments, folder, {"FLASK_BASELINE_FOLDER": str(folder), "FLASK_BASELINE_REDIS": redis_url})


def fastapi_baseline(folder: Path, port: int, redis_port: int, **variables: str) -> Command:
    """FastAPI on the same server software, one worker; `variables` name a database and Kafka."""
    arguments = ["-k", "uvicorn_worker.UvicornWorker", "-b", f"127.0.0.1:{port}", "fastapi_baseline:app"]
    own = {"FASTAPI_BASELINE_FOLDER": str(folder), "FASTAPI_BASELINE_REDIS": f"redis://127.0.0.1:{redis_port}"}
    return Command([*GUNICORN, *arguments], folder, {**own, **variables})


def redis(folder: Path, port: int) -> Command:
    """A Redis server without persistence."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("the benchmark needs redis-server and wrk: on Debian, apt install redis-server wrk")
    return Command([program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], folder, {})


@contextmanager
def busy(processes: int, priority: int) -> Iterator[None]:
    """Processes of the same niceness that only compute."""
    command = ["nice", "-n", str(priority), sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def wait(port: int, path: str) -> None:
    """Wait until the server responds, with any status."""
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"no response on port {port}")
            time.sleep(0.01)
        else:
            return


def login(port: int, user: str = "bench") -> str:
    """A token issued by the server on `port`."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/login", json.dumps({"user": user}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["token"])


def processor_seconds(pid: int) -> float:
    """Of a server and its child processes."""
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def busy_seconds() -> float:
    """Processor time of all processes and of the kernel."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0)


def metric(port: int, name: str) -> float:
    """The value of a metric of the service on `port`; `name` includes the labels, as in the exposition format."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        for line in response.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
    return 0.0
