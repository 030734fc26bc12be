"""Latency of small requests while Redis works, hangs, refuses connections, is slow or sends invalid replies.

Each request looks up a result that Redis does not hold and charges a rate limit. A proxy between service and Redis
causes the failures; their rounds are interleaved.
"""

import tempfile
import time
from itertools import count
from pathlib import Path

import servers
from mixed_load import latencies, table_row
from tests.support.proxy import FaultProxy, Mode

PORT, REDIS_PORT = 5840, 5841
ROUNDS, SECONDS = 3, 4
STATES: dict[str, tuple[Mode, float]] = {
    "works": ("pass", 0),
    "hangs": ("hang", 0),
    "refuses connections": ("refuse", 0),
    "60 ms slow": ("pass", 0.06),
    "sends invalid replies": ("garble", 0),
}


def main() -> None:
    """Print the table."""
    targets = (f"/pow?base={number}&exp=3" for number in count())
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch,
        servers.running(servers.redis(Path(scratch) / "redis", REDIS_PORT)),
        FaultProxy(("127.0.0.1", REDIS_PORT)) as proxy,
        servers.running(_service(Path(scratch), proxy.port)),
    ):
        servers.wait(PORT, "/livez")
        token = servers.login(PORT)
        latencies(PORT, token, targets, 1)
        results: dict[str, list[float]] = {name: [] for name in STATES}
        for _ in range(ROUNDS):
            for name, (mode, proxy.delay) in STATES.items():
                proxy.set(mode)
                results[name] += latencies(PORT, token, targets, SECONDS)
                _restore(proxy)
    print("| Redis | responses | p50 ms | p99 ms | max ms |")
    print("|---|---:|---:|---:|---:|")
    for name, milliseconds in results.items():
        print(table_row(name, milliseconds))


def _service(folder: Path, redis_port: int) -> servers.Command:
    redis = f"redis://127.0.0.1:{redis_port}/0"
    return servers.mathops(folder, PORT, MATHOPS_REDIS_URL=redis, MATHOPS_QUOTA_REQUESTS="1000000/second")


def _restore(proxy: FaultProxy) -> None:
    """End the failure and wait until the service uses Redis again."""
    proxy.delay = 0
    proxy.set("pass")
    proxy.cut()
    for dependency in ("cache", "rate_limits"):
        while servers.metric(PORT, f'mathops_circuit_breaker_open{{dependency="{dependency}"}}'):
            time.sleep(0.2)


if __name__ == "__main__":
    main()
