"""Side by side in one run: this service, a bare Starlette handler that answers the same bytes, and the old way.

All servers stay up and take turns, so that a machine that drifts drifts for all; ratios are of medians.
"""

import re
import subprocess
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import servers
import turns

PATH = "/pow?base=2&exp=5"
PORTS = {"mathops": 5810, "bare": 5811, "old way": 5812}
REDIS_PORT = 5813


class Round(NamedTuple):
    """What wrk saw: requests a second, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def load(port: int, token: str, connections: int, seconds: int) -> Round:
    """One round of closed-loop load; ends the benchmark when an answer is not 200."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency"]
    command += ["-H", f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}{PATH}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    return Round(_number(text, r"Requests/sec:\s+(\S+)"), _milliseconds(text, "50%"), _milliseconds(text, "99%"))


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])


def _milliseconds(text: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def main() -> None:
    """Print the table."""
    options = turns.options(__doc__, rounds=5)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folder = Path(scratch)
        for command in (
            servers.redis(folder / "redis", REDIS_PORT),
            servers.mathops(folder / "mathops", PORTS["mathops"]),
            servers.bare(folder / "bare", PORTS["bare"]),
            servers.old_way(folder / "old", PORTS["old way"], REDIS_PORT),
        ):
            stack.enter_context(servers.running(command))
        for port in PORTS.values():
            servers.wait(port, PATH)
        tokens = {"mathops": servers.login(PORTS["mathops"]), "bare": "-", "old way": servers.login(PORTS["old way"])}
        medians = turns.medians(
            options.rounds,
            {
                name: partial(load, port, tokens[name], options.connections, options.seconds)
                for name, port in PORTS.items()
            },
        )
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    _table(medians)


def _table(medians: dict[str, Round]) -> None:
    print("| server | requests/s | of bare | p50 ms | p99 ms |")
    print("|---|---:|---:|---:|---:|")
    for name, seen in medians.items():
        share = seen.rate / medians["bare"].rate
        print(f"| {name} | {seen.rate:,.0f} | {share:.2f} | {seen.p50:.1f} | {seen.p99:.1f} |")
    print(f"\nmathops is {medians['mathops'].rate / medians['old way'].rate:.1f} times the old way")


if __name__ == "__main__":
    main()
