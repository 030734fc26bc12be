"""Latency of small requests while Redis is well, and while it hangs, is gone, is slow or garbles.

Each request asks Redis for a result that it has not, and for a quota. Between the two lies a proxy. The states of
Redis take turns, so that a machine that drifts drifts for all.
"""

import tempfile
import time
from itertools import count
from pathlib import Path

import servers
from beside_large import latencies, row
from tests.support.proxy import FaultProxy, Mode

PORT, REDIS_PORT = 5840, 5841
ROUNDS, SECONDS = 3, 4
FAULTS: dict[str, tuple[Mode, float]] = {
    "well": ("pass", 0),
    "hangs": ("hang", 0),
    "gone": ("refuse", 0),
    "60 ms slow": ("pass", 0.06),
    "garbles": ("garble", 0),
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
        found: dict[str, list[float]] = {name: [] for name in FAULTS}
        for _ in range(ROUNDS):
            for name, (mode, proxy.delay) in FAULTS.items():
                proxy.set(mode)
                found[name] += latencies(PORT, token, targets, SECONDS)
                _mend(proxy)
    print("| Redis | answered | p50 ms | p99 ms | max ms |")
    print("|---|---:|---:|---:|---:|")
    for name, seen in found.items():
        print(row(name, seen))


def _service(folder: Path, redis_port: int) -> servers.Command:
    redis = f"redis://127.0.0.1:{redis_port}/0"
    return servers.mathops(folder, PORT, MATHOPS_REDIS_URL=redis, MATHOPS_QUOTA_REQUESTS="1000000/second")


def _mend(proxy: FaultProxy) -> None:
    """Until the service uses Redis again."""
    proxy.delay = 0
    proxy.set("pass")
    proxy.cut()
    for dependency in ("cache", "rate_limiter"):
        while servers.metric(PORT, f'mathops_circuit_breaker_open{{dependency="{dependency}"}}'):
            time.sleep(0.2)


if __name__ == "__main__":
    main()
