"""Latency of small requests alone, and while ten clients ask for the largest results there are.

The large ones are factorials near 10^6! as text/plain, 5.6 million digits each.
"""

import http.client
import statistics
import tempfile
import threading
import time
from pathlib import Path

import servers

PORT = 5820
LARGE_CLIENTS = 10
SECONDS = 10
SMALL = "/pow?base=2&exp={}"
LARGE = "/fact?n={}"


def small_latencies(token: str, seconds: float) -> list[float]:
    """Milliseconds of small requests, one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    end = time.monotonic() + seconds
    latencies: list[float] = []
    while time.monotonic() < end:
        started = time.perf_counter()
        connection.request("GET", SMALL.format(len(latencies) % 500), headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        latencies.append((time.perf_counter() - started) * 1000)
    return latencies


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
            small_latencies(token, 1)
            alone = small_latencies(token, SECONDS)
            beside, counts = _beside_large(token)
    print("| small requests | answered | p50 ms | p99 ms | max ms |")
    print("|---|---:|---:|---:|---:|")
    for name, latencies in (("alone", alone), (f"beside {LARGE_CLIENTS} large", beside)):
        cuts = statistics.quantiles(latencies, n=100)
        print(f"| {name} | {len(latencies)} | {cuts[49]:.1f} | {cuts[98]:.1f} | {max(latencies):.1f} |")
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
    latencies = small_latencies(token, SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return latencies, counts


if __name__ == "__main__":
    main()
