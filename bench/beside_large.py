"""Latency of small requests alone, and while ten clients ask for the largest results there are.

The large ones are factorials near 10^6! as text/plain, 5.6 million digits each.
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

PORT = 5820
LARGE_CLIENTS = 10
SECONDS = 10
SMALL = (f"/pow?base=2&exp={number % 500}" for number in count())
LARGE = "/fact?n={}"


def latencies(port: int, token: str, targets: Iterator[str], seconds: float) -> list[float]:
    """Milliseconds of requests one after the other on one connection, each of which must be answered well."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    end = time.monotonic() + seconds
    found: list[float] = []
    while time.monotonic() < end:
        started = time.perf_counter()
        connection.request("GET", next(targets), headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        found.append((time.perf_counter() - started) * 1000)
    return found


def row(name: str, found: list[float]) -> str:
    """A line of the table."""
    cuts = statistics.quantiles(found, n=100)
    return f"| {name} | {len(found)} | {cuts[49]:.1f} | {cuts[98]:.1f} | {max(found):.1f} |"


def ask_large(token: str, number: int, stop: threading.Event, counts: dict[int, int]) -> None:
    """Ask for large results until told to stop; counts answers by status."""
    fields = {"Authorization": f"Bearer {token}", "Accept": "text/plain"}
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        connection.request("GET", LARGE.format(1_000_000 - number), headers=fields)
        answer = connection.getresponse()
        # A reader of the whole body in this process would compete with the small requests for its GIL.
        answer.close()
        connection.close()
        counts[answer.status] = counts.get(answer.status, 0) + 1


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
        settings = {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "60", "MATHOPS_COMPUTE_QUEUE": str(LARGE_CLIENTS)}
        with servers.running(servers.mathops(Path(scratch), PORT, **settings)):
            servers.wait(PORT, "/livez")
            token = servers.login(PORT)
            latencies(PORT, token, SMALL, 1)
            alone = latencies(PORT, token, SMALL, SECONDS)
            beside, counts = _beside_large(token)
    print("| small requests | answered | p50 ms | p99 ms | max ms |")
    print("|---|---:|---:|---:|---:|")
    print(row("alone", alone))
    print(row(f"beside {LARGE_CLIENTS} large", beside))
    print(f"\nlarge answers by status: {dict(sorted(counts.items()))}")


def _beside_large(token: str) -> tuple[list[float], dict[int, int]]:
    stop = threading.Event()
    counts: dict[int, int] = {}
    threads = [
        threading.Thread(target=ask_large, args=(token, number, stop, counts)) for number in range(LARGE_CLIENTS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    beside = latencies(PORT, token, SMALL, SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return beside, counts


if __name__ == "__main__":
    main()
