"""Throughput of one, two and four replicas on one PostgreSQL that answers 1 ms later.

Baseline: replicas that commit one at a time, as in release 0.1. A relay of that release in the database causes it.
Few callers for each replica, so that the delay and not the processor limits the rate.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import interleave
import servers
import trustme
from compare import load
from tests.integration.services import postgres
from tests.integration.services.containers import Container
from tests.support.proxy import FaultProxy

FIRST_PORT = 5880
DELAY_SECONDS = 0.001
COUNTS = (1, 2, 4)
MODES = {"one commit at a time": False, "concurrent commits": True}
DATABASE = "replicas"


class Rate(NamedTuple):
    """Requests per second of all replicas."""

    total: float


def start_replica(stack: ExitStack, folder: Path, port: int, container: Container, database: str) -> tuple[int, str]:
    """Start a replica behind a proxy of its own; its port and a credential."""
    proxy = stack.enter_context(FaultProxy(("127.0.0.1", container.port(5432))))
    proxy.delay = DELAY_SECONDS
    url = database.replace(str(container.port(5432)), str(proxy.port))
    stack.enter_context(servers.running(servers.mathops(folder, port, MATHOPS_DATABASE_URL=url)))
    servers.wait(port, "/livez")
    return port, f"Authorization: Bearer {servers.login(port)}"


def measure(
    container: Container, replicas: list[tuple[int, str]], connections: int, seconds: int, *, concurrent: bool
) -> Rate:
    """One round with equal load on all `replicas`."""
    owner = "NULL" if concurrent else "'host:1:0123456789ab'"
    statement = f"UPDATE relay SET owner = {owner}"
    container.run("psql", "-U", "postgres", "-d", DATABASE, "-c", statement)
    with ThreadPoolExecutor(len(replicas)) as pool:
        rounds = pool.map(lambda replica: load(*replica, connections, seconds), replicas)
    return Rate(sum(measured.rate for measured in rounds))


def _name(mode: str, count: int) -> str:
    return f"{mode}, {count}"


def main() -> None:
    """Print the table."""
    options = interleave.parse_options(__doc__, rounds=4, connections=2)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        container = postgres.start(trustme.CA())
        stack.callback(container.remove)
        url = postgres.database_url(container, DATABASE)
        replicas = [
            start_replica(stack, Path(scratch) / str(number), FIRST_PORT + number, container, url)
            for number in range(max(COUNTS))
        ]
        medians = interleave.medians(
            options.rounds,
            {
                _name(mode, count): partial(
                    measure, container, replicas[:count], options.connections, options.seconds, concurrent=concurrent
                )
                for count in COUNTS
                for mode, concurrent in MODES.items()
            },
        )
    print(f"{options.connections} connections for each replica, {options.rounds} rounds, medians of requests/s\n")
    print(f"| replicas | {' | of one | '.join(MODES)} | of one |")
    print("|---:|---:|---:|---:|---:|")
    for count in COUNTS:
        rates = [(medians[_name(mode, count)].total, medians[_name(mode, 1)].total) for mode in MODES]
        cells = " | ".join(f"{rate:,.0f} | {rate / one:.2f}" for rate, one in rates)
        print(f"| {count} | {cells} |")


if __name__ == "__main__":
    main()
