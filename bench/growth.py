"""Cost of a long journal: a service on an empty SQLite file beside one on a file with many rows.

The rows belong to 50 users and are not published.
"""

import argparse
import http.client
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import servers
from relay import USERS, store

from mathops.settings import Settings

PORT = 5895
REPEATS = 300
USER = "user1"


class Service:
    """A running service and one connection to it."""

    def __init__(self, stack: ExitStack, folder: Path, port: int) -> None:
        started = time.perf_counter()
        process = stack.enter_context(servers.running(servers.mathops(folder, port)))
        servers.wait(port, "/readyz")
        self.start_seconds = time.perf_counter() - started
        self._process = psutil.Process(process.pid)
        self._folder = folder
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {servers.login(port, USER)}"}

    def get(self, path: str) -> None:
        """Read one response."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status}")

    def milliseconds(self, path: str) -> float:
        """Until the response to `path` has been read."""
        started = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - started) * 1000

    def memory(self) -> float:
        """MiB of all processes, shared pages counted once."""
        tree = [self._process, *self._process.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in tree) / 2**20

    def wal(self) -> float:
        """MiB of the write-ahead log."""
        return (self._folder / "mathops.db-wal").stat().st_size / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folders = [Path(scratch) / name for name in ("empty", "full")]
        for folder, count in zip(folders, (USERS * 100, rows), strict=True):
            folder.mkdir()
            store(Settings(data_dir=folder).journal_url, count)
        empty, full = (Service(stack, folder, PORT + number) for number, folder in enumerate(folders))
        paths = {
            "request": "/pow?base=2&exp=5",
            "first page of `/history`": "/history?limit=50",
            "deepest page of `/history`": f"/history?limit=50&before={USERS * 20}",
            "`/metrics`": "/metrics",
        }
        print(f"| {rows:,} rows | {USERS * 100:,} rows | {rows:,} rows | ratio |")
        print("|---|---:|---:|---:|")
        _row("ready after s", empty.start_seconds, full.start_seconds)
        for name, path in paths.items():
            pairs = [(empty.milliseconds(path), full.milliseconds(path)) for _ in range(REPEATS)]
            _row(f"{name}, p50 ms", *map(statistics.median, zip(*pairs, strict=True)))
        _row("memory MiB", empty.memory(), full.memory())
        _row("WAL MiB", empty.wal(), full.wal())


def _row(name: str, empty: float, full: float) -> None:
    print(f"| {name} | {empty:.2f} | {full:.2f} | {full / empty:.2f} |")


if __name__ == "__main__":
    main()
