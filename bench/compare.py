"""Compares this service with a Starlette handler that returns the same bytes, and with services in Flask and FastAPI.

"commit only" is the same handler with a commit of one record, on the server and the journal of this service: the part
of the difference that no change of the application can remove.

All servers stay up and their rounds are interleaved; ratios are ratios of medians. Half load is half of the rate that
this service reaches with one web worker, sent to it and to Starlette at random intervals.
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
PORTS = {
    "mathops": 5810,
    "Starlette": 5811,
    "commit only": 5817,
    "mathops, two workers": 5815,
    "Starlette, two workers": 5816,
    "commit only, two workers": 5818,
    "Flask": 5812,
    "FastAPI": 5814,
}
BARE = {name: "Starlette, two workers" if "two" in name else "Starlette" for name in PORTS}
REDIS_PORT = 5813


class Round(NamedTuple):
    """One measurement by wrk: requests/s, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def load(port: int, credential: str, connections: int, seconds: int, *arguments: str) -> Round:
    """One round of closed-loop load; `arguments` are for wrk. Exits unless every response is a success."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *arguments]
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
    options = interleave.parse_options(__doc__, rounds=6)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch, ExitStack() as stack:
        folder = Path(scratch)
        for command in (
            servers.redis(folder / "redis", REDIS_PORT),
            servers.mathops(folder / "mathops", PORTS["mathops"]),
            servers.starlette_baseline(folder / "starlette", PORTS["Starlette"]),
            servers.commit_baseline(folder / "commit", PORTS["commit only"]),
            servers.mathops(folder / "mathops2", PORTS["mathops, two workers"], MATHOPS_WORKERS="2"),
            servers.commit_baseline(folder / "commit2", PORTS["commit only, two workers"], MATHOPS_WORKERS="2"),
            servers.starlette_baseline(folder / "starlette2", PORTS["Starlette, two workers"], workers=2),
            servers.flask_baseline(folder / "flask", PORTS["Flask"], REDIS_PORT),
            servers.fastapi_baseline(folder / "fastapi", PORTS["FastAPI"], REDIS_PORT),
        ):
            stack.enter_context(servers.running(command))
        for port in PORTS.values():
            servers.wait(port, PATH)
        rounds = {
            name: partial(load, port, _credential(name, port), options.connections, options.seconds)
            for name, port in PORTS.items()
        }
        medians = interleave.medians(options.rounds, rounds)
        script = folder / "half_load.lua"
        # Each connection waits for as long on average as half of the rate requires.
        milliseconds = 2000 * options.connections / medians["mathops"].rate - medians["mathops"].p50 / 2
        script.write_text(f"function delay() return math.random(0, {round(2 * milliseconds)}) end")
        compared = ("mathops", "Starlette", "commit only")
        half = {f"{name}, half load": partial(rounds[name], "-s", str(script)) for name in compared}
        medians |= interleave.medians(options.rounds, half)
    print(f"{options.connections} connections, {options.rounds} rounds, medians\n")
    _table(medians)


def _credential(name: str, port: int) -> str:
    return (
        "Authorization: -"
        if name.startswith(("Starlette", "commit"))
        else f"Authorization: Bearer {servers.login(port)}"
    )


def _table(medians: dict[str, Round]) -> None:
    print("| server | requests/s | of Starlette with as many workers | p50 ms | p99 ms |")
    print("|---|---:|---:|---:|---:|")
    for name, median in medians.items():
        share = median.rate / medians[BARE.get(name, "Starlette, half load")].rate
        print(f"| {name} | {median.rate:,.0f} | {share:.2f} | {median.p50:.1f} | {median.p99:.1f} |")
    for peer in ("Flask", "FastAPI"):
        print(f"\nmathops serves {medians['mathops'].rate / medians[peer].rate:.1f} times the requests of {peer}")


if __name__ == "__main__":
    main()
