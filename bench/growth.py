"""Cost of a long journal: a service on a short one beside one with many rows, in SQLite or PostgreSQL.

The rows belong to 50 users and are not published. At the end retention deletes rows of the long journal.
"""

import argparse
import http.client
import statistics
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import servers
import trustme
from mixed_load import SMALL, latencies, print_table
from relay import SHORT_ROWS, USERS, fill
from sqlalchemy import func, select
from tests.integration.services import postgres

from mathops.journal.database.engine import WriteEngine, database_of
from mathops.journal.database.tables import requests
from mathops.settings import Settings

PORT = 5895
REPEATS = 300
USER = "user1"
EXPIRED_ROWS = 60_000
RETENTION_SECONDS = 5


class Service:
    """A running service and one connection to it."""

    def __init__(self, stack: ExitStack, folder: Path, port: int, **variables: str) -> None:
        started = time.perf_counter()
        process = stack.enter_context(servers.running(servers.mathops(folder, port, **variables)))
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
        """MiB of SQLite's write-ahead log."""
        return (self._folder / "mathops.db-wal").stat().st_size / 2**20


def count(url: str) -> int:
    """The number of rows."""
    with closing(WriteEngine(database_of(url))) as engine, engine.transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(requests)).scalar_one())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folders = [Path(scratch) / name for name in ("short", "long")]
        variables: list[dict[str, str]] = [{}, {}]
        if options.postgresql:
            container = postgres.start(trustme.CA())
            stack.callback(container.remove)
            variables = [{"MATHOPS_DATABASE_URL": postgres.database_url(container, folder.name)} for folder in folders]
        urls = [
            own.get("MATHOPS_DATABASE_URL") or Settings(data_dir=folder).journal_url
            for folder, own in zip(folders, variables, strict=True)
        ]
        for folder, url, rows in zip(folders, urls, (SHORT_ROWS, options.rows), strict=True):
            folder.mkdir()
            fill(url, rows)
        database = "PostgreSQL" if options.postgresql else "SQLite"
        print(f"| {database} | {SHORT_ROWS:,} rows | {options.rows:,} rows | ratio |")
        print("|---|---:|---:|---:|")
        compare(folders, variables)
        print()
        measure_retention(folders[1], urls[1], **variables[1])


def compare(folders: list[Path], variables: list[dict[str, str]]) -> None:
    """Print the rows of the table."""
    with ExitStack() as stack:
        short, long = (
            Service(stack, folder, PORT + number, **own)
            for number, (folder, own) in enumerate(zip(folders, variables, strict=True))
        )
        paths = {
            "request": "/pow?base=2&exp=5",
            "first page of `/history`": "/history?limit=50",
            "deepest page of `/history`": f"/history?limit=50&before={USERS * 20}",
            "`/metrics`": "/metrics",
        }
        _row("ready after s", short.start_seconds, long.start_seconds)
        for name, path in paths.items():
            pairs = [(short.milliseconds(path), long.milliseconds(path)) for _ in range(REPEATS)]
            _row(f"{name}, p50 ms", *map(statistics.median, zip(*pairs, strict=True)))
        _row("memory MiB", short.memory(), long.memory())
        if not variables[0]:
            _row("WAL MiB", short.wal(), long.wal())


def _row(name: str, short: float, long: float) -> None:
    print(f"| {name} | {short:.2f} | {long:.2f} | {long / short:.2f} |")


def measure_retention(folder: Path, url: str, **variables: str) -> None:
    """Print the latency of requests while retention deletes rows and after it, and its rate."""
    before = count(url)
    variables["MATHOPS_RETENTION_ROWS"] = str(before - EXPIRED_ROWS)
    with servers.running(servers.mathops(folder, PORT, **variables)):
        servers.wait(PORT, "/livez")
        token = servers.login(PORT)
        meanwhile = latencies(PORT, token, SMALL, RETENTION_SECONDS)
        deleted = before + len(meanwhile) - count(url)
        while before - count(url) < EXPIRED_ROWS:
            time.sleep(0.5)
        alone = latencies(PORT, token, SMALL, RETENTION_SECONDS)
    print_table({"alone": alone, f"while retention deletes {deleted / RETENTION_SECONDS:,.0f} rows/s": meanwhile})


if __name__ == "__main__":
    main()
