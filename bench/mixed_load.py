"""Latency of small requests alone, and while ten clients request the largest results.

Large requests are factorials near 10^6! as text/plain, 5.6 million digits each.
"""

import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import servers

from mathops.processes.pool_worker import PRIORITY

PORT = 5820
LARGE_CLIENTS = 10
SECONDS = 10
SMALL = (f"/pow?base=2&exp={number % 500}" for number in count())
LARGE = "/fact?n={}"


def latencies(port: int, token: str, targets: Iterator[str], seconds: float) -> list[float]:
    """Milliseconds of sequential requests on one connection; every response must have status 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    end = time.monotonic() + seconds
    milliseconds: list[float] = []
    while time.monotonic() < end:
        started = time.perf_counter()
        connection.request("GET", next(targets), headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
        milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


def table_row(name: str, milliseconds: list[float]) -> str:
    percentiles = statistics.quantiles(milliseconds, n=100)
    figures = f"{percentiles[49]:.1f} | {percentiles[98]:.1f} | {max(milliseconds):.1f}"
    return f"| {name} | {len(milliseconds)} | {figures} |"


def print_table(rows: dict[str, list[float]]) -> None:
    """Latencies of small requests by condition."""
    print("| small requests | responses | p50 ms | p99 ms | max ms |")
    print("|---|---:|---:|---:|---:|")
    for name, milliseconds in rows.items():
        print(table_row(name, milliseconds))


def request_large(token: str, number: int, stop: threading.Event, counts: dict[int, int]) -> None:
    """Request large results until `stop` is set; counts responses by status."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/plain"}
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        connection.request("GET", LARGE.format(1_000_000 - number), headers=headers)
        response = connection.getresponse()
        # Reading the whole body here would compete with the small requests for this process's GIL.
        response.close()
        connection.close()
        counts[response.status] = counts.get(response.status, 0) + 1


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
        settings = {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "60", "MATHOPS_COMPUTE_QUEUE": str(LARGE_CLIENTS)}
        with servers.running(servers.mathops(Path(scratch), PORT, **settings)):
            servers.wait(PORT, "/livez")
            token = servers.login(PORT)
            latencies(PORT, token, SMALL, 1)
            rows = {"alone": latencies(PORT, token, SMALL, SECONDS)}
            # The lower bound: the computations without the transfer of their digits.
            with servers.busy(2, PRIORITY):
                rows["with two busy processes"] = latencies(PORT, token, SMALL, SECONDS)
            rows[f"with {LARGE_CLIENTS} large requests"], counts = _with_large_requests(token)
    print_table(rows)
    print(f"\nlarge responses by status: {dict(sorted(counts.items()))}")


def _with_large_requests(token: str) -> tuple[list[float], dict[int, int]]:
    stop = threading.Event()
    counts: dict[int, int] = {}
    threads = [
        threading.Thread(target=request_large, args=(token, number, stop, counts)) for number in range(LARGE_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    mixed = latencies(PORT, token, SMALL, SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return mixed, counts


if __name__ == "__main__":
    main()
