"""Starts the servers that are compared, each as a process group of its own, on loopback."""

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

HERE = Path(__file__).parent
GUNICORN = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--log-level", "warning"]


class Command(NamedTuple):
    """What to run, in which folder, with which environment variables."""

    words: list[str]
    folder: Path
    variables: dict[str, str]


@contextmanager
def running(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends."""
    command.folder.mkdir(parents=True, exist_ok=True)
    with (command.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command.words,
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
    """The service with one web worker, on embedded parts."""
    own = {"MATHOPS_DATA_DIR": str(folder), "MATHOPS_HTTP_PORT": str(port), **variables}
    return Command([sys.executable, "-m", "mathops", "serve"], folder, own)


def bare(folder: Path, port: int) -> Command:
    """A bare Starlette handler on the same server software, one worker."""
    words = [*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", "-b", f"127.0.0.1:{port}", "bare:app"]
    return Command(words, folder, {})


def old_way(folder: Path, port: int, redis_port: int) -> Command:
    """Flask under gunicorn as it comes: one synchronous worker."""
    words = [*GUNICORN, "-b", f"127.0.0.1:{port}", "old_way:app"]
    return Command(words, folder, {"OLD_WAY_FOLDER": str(folder), "OLD_WAY_REDIS": f"redis://127.0.0.1:{redis_port}"})


def redis(folder: Path, port: int) -> Command:
    """A Redis of its own."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("the benchmark needs redis-server and wrk: on Debian, apt install redis-server wrk")
    return Command([program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], folder, {})


def wait(port: int, path: str) -> None:
    """Until something answers, whatever it is."""
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nothing answers on port {port}")
            time.sleep(0.1)
        else:
            return


def login(port: int) -> str:
    """A token of the server on `port`."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/login", b'{"user":"bench"}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


def metric(port: int, name: str) -> float:
    """The value of a metric of the service on `port`, its labels in Prometheus' notation."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
    return 0.0
