"""Compares this service with a Starlette handler that returns the same bytes, and with services in Flask and FastAPI.

All servers stay up and their rounds are interleaved; ratios are ratios of medians.
"""

import re
import subprocess
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import interleave
import servers

PATH = "/pow?base=2&exp=5"
PORTS = {"mathops": 5810, "Starlette": 5811, "Flask": 5812, "FastAPI": 5814}
REDIS_PORT = 5813


class Round(NamedTuple):
    """One measurement by wrk: requests/s, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def load(port: int, credential: str, connections: int, seconds: int) -> Round:
    """One round of closed-loop load; exits unless every response is a success."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency"]
    # As a page of the service sends it, in case of a session.
    command += ["-H", credential, "-H", "Sec-Fetch-Site: same-origin", f"http://127.0.0.1:{port}{PATH}"]
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
    options = interleave.parse_options(__doc__, rounds=5)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folder = Path(scratch)
        for command in (
            servers.redis(folder / "redis", REDIS_PORT),
            servers.mathops(folder / "mathops", PORTS["mathops"]),
            servers.starlette_baseline(folder / "starlette", PORTS["Starlette"]),
            servers.flask_baseline(folder / "flask", PORTS["Flask"], REDIS_PORT),
            servers.fastapi_baseline(folder / "fastapi", PORTS["FastAPI"], REDIS_PORT),
        ):
            stack.enter_context(servers.running(command))
        for port in PORTS.values():
            servers.wait(port, PATH)
        tokens = {"Starlette": "-", **{name: servers.login(PORTS[name]) for name in ("mathops", "Flask", "FastAPI")}}
        medians = interleave.medians(
            options.rounds,
            {
                name: partial(load, port, f"Authorization: Bearer {tokens[name]}", options.connections, options.seconds)
                for name, port in PORTS.items()
            },
        )
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    _table(medians)


def _table(medians: dict[str, Round]) -> None:
    print("| server | requests/s | of Starlette | p50 ms | p99 ms |")
    print("|---|---:|---:|---:|---:|")
    for name, median in medians.items():
        share = median.rate / medians["Starlette"].rate
        print(f"| {name} | {median.rate:,.0f} | {share:.2f} | {median.p50:.1f} | {median.p99:.1f} |")
    for peer in ("Flask", "FastAPI"):
        print(f"\nmathops serves {medians['mathops'].rate / medians[peer].rate:.1f} times the requests of {peer}")


if __name__ == "__main__":
    main()
