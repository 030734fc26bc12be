"""Memory, descriptors and WAL of the service over many minutes of requests, with Redis, Kafka and retention.

Among the requests are large results, rejected parameters and bad tokens, so that every cache and table is used. All
figures should be flat once the caches are full.
"""

import argparse
import http.client
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import servers
import trustme
from tests.integration.services.kafka import Kafka

PORT, REDIS_PORT = 5870, 5871
RETENTION_ROWS = 2000
# Among them misses of the cache, a computation in the pool, a rejected parameter, an unknown path and a bad token.
TARGETS = ("/pow?base={}&exp=50", "/pow?base=2&exp=5", "/fib?n={}", "/fact?n=-{}", "/unknown/{}", "/history?limit=50")
SETTINGS = {
    "MATHOPS_REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0",
    "MATHOPS_QUOTA_REQUESTS": "100000/minute",
    "MATHOPS_RETENTION_ROWS": str(RETENTION_ROWS),
    "MATHOPS_LOG_FILE_BYTES": "1000000",
    "MATHOPS_CACHE_TTL_SECONDS": "20",
}


def load(token: str, seconds: float, rate: float, number: int) -> int:
    """Send requests for `seconds`, on one connection; returns the number of the next request."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        target = "/fib?n=300000" if number % 500 == 0 else TARGETS[number % len(TARGETS)].format(number)
        headers = {"Authorization": f"Bearer {token}" if number % 97 else f"Bearer wrong-{number}"}
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status in (200, 401, 404, 422), (target, response.status)
        time.sleep(1 / rate)
    connection.close()
    return number


def title(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    names = {"mathops.journal.process": "journal", "mathops.processes.pool_worker": "pool"}
    return next((name for module, name in names.items() if module in command), "web")


def row(minute: int, requests: int, processes: list[psutil.Process], folder: Path) -> str:
    memory = " | ".join(f"{process.memory_info().rss / 2**20:.0f}" for process in processes)
    descriptors = " | ".join(str(process.num_fds()) for process in processes)
    sizes = " | ".join(f"{(folder / name).stat().st_size / 2**20:.1f}" for name in ("mathops.db", "mathops.db-wal"))
    return f"| {minute} | {requests} | {memory} | {descriptors} | {sizes} |"


def main() -> None:
    """Print one row for each minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=24)
    parser.add_argument("--rate", type=float, default=100, help="requests per second, at most")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folder = Path(scratch) / "data"
        stack.enter_context(servers.running(servers.redis(Path(scratch) / "redis", REDIS_PORT)))
        kafka = Kafka(trustme.CA(), proxied=False)
        stack.callback(kafka.remove)
        variables = {**SETTINGS, "MATHOPS_KAFKA_BROKERS": kafka.brokers}
        service = stack.enter_context(servers.running(servers.mathops(folder, PORT, **variables)))
        servers.wait(PORT, "/livez")
        children = psutil.Process(service.pid).children(recursive=True)
        processes = [psutil.Process(service.pid), *children]
        titles = ["master", *(title(child) for child in children)]
        heads = [f"{title} {unit}" for unit in ("MiB", "files") for title in titles]
        print("| minute | requests | " + " | ".join([*heads, "database MiB", "WAL MiB"]) + " |")
        print("|---" * (len(heads) + 4) + "|")
        number = 0
        for minute in range(options.minutes + 1):
            print(row(minute, number, processes, folder), flush=True)
            if minute < options.minutes:
                number = load(servers.login(PORT), 60, options.rate, number)


if __name__ == "__main__":
    main()
