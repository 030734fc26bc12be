"""The largest results as text/plain, uncached, beside the same computation and conversion by gmpy2 in one process.

Each round requests every result and computes it by gmpy2 in turn. The service and gmpy2 run on one core, then on two.
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil
import servers

PORT = 5840
# Expressions in gmpy2; the service computes the same from the query, varied because results are cached.
RESULTS = {
    "10^6!": ("gmpy2.fac({n})", "/fact?n={n}", 1_000_000),
    "F(10^7)": ("gmpy2.fib({n})", "/fib?n={n}", 10_000_000),
    "3^(10^7)": ("gmpy2.mpz(3) ** {n}", "/pow?base=3&exp={n}", 10_000_000),
}
# Then the SHA-256 and two transfers of the digits: to the web worker, and to the client.
GMPY2 = """
import hashlib, os, socket, sys, threading, time, gmpy2
os.nice(10)  # as the computing processes
for line in sys.stdin:
    started, processor = time.perf_counter(), time.process_time()
    digits = eval(line).digits()
    computed, computed_processor = time.perf_counter(), time.process_time()
    text = digits.encode()
    hashlib.sha256(text)
    for _ in range(2):
        ours, theirs = socket.socketpair()
        sender = threading.Thread(target=ours.sendall, args=(text,))
        sender.start()
        received = bytearray()
        while len(received) < len(text):
            received += theirs.recv(1 << 18)
        sender.join()
    ended = time.perf_counter()
    print(computed - started, computed_processor - processor, ended - computed, flush=True)
"""


class Round(NamedTuple):
    """Seconds of gmpy2 and of the service, also of the processor, and those until the first byte and of the stages.

    `transfer` is the time of SHA-256 and of sending the digits twice.
    """

    gmpy2: float
    gmpy2_processor: float
    transfer: float
    processor: float
    total: float
    first_byte: float
    compute: float
    encode: float


def request(port: int, token: str, target: str) -> tuple[float, float, float, float]:
    """The last four fields of Round."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    started = time.perf_counter()
    connection.request("GET", target, headers={"Authorization": f"Bearer {token}", "Accept": "text/plain"})
    response = connection.getresponse()
    first_byte = time.perf_counter() - started
    body = response.read()
    total = time.perf_counter() - started
    if response.status != 200:
        raise SystemExit(f"{target}: {response.status} {body[:200]!r}")
    _, compute, encode = (
        float(stage.partition("dur=")[2]) / 1000 for stage in response.headers["Server-Timing"].split(",")
    )
    return total, first_byte, compute, encode


def peak_mebibytes(server: int) -> float:
    """The largest resident set of a computing process."""
    peaks = []
    for process in psutil.Process(server).children(recursive=True):
        if "mathops.processes.pool_worker" in process.cmdline():
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            peaks += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)


def measure(folder: Path, cores: set[int], rounds: int) -> tuple[dict[str, Round], float]:
    """Medians for each result, and the peak memory of a computing process in MiB."""
    os.sched_setaffinity(0, cores)
    measured: dict[str, list[Round]] = {name: [] for name in RESULTS}
    with ExitStack() as stack:
        settings = {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "60"}
        server = stack.enter_context(servers.running(servers.mathops(folder, PORT, **settings)))
        gmpy2 = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", GMPY2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        )
        assert gmpy2.stdin
        assert gmpy2.stdout
        stack.callback(gmpy2.stdin.close)
        servers.wait(PORT, "/livez")
        token = servers.login(PORT)
        for number in range(rounds + 1):
            for name, (expression, target, n) in RESULTS.items():
                print(expression.format(n=n - number), file=gmpy2.stdin)
                raw = map(float, gmpy2.stdout.readline().split())
                before = servers.processor_seconds(server.pid)
                response = request(PORT, token, target.format(n=n - number))
                round_ = Round(*raw, servers.processor_seconds(server.pid) - before, *response)
                if number:  # round 0 warms up
                    measured[name].append(round_)
        peak = peak_mebibytes(server.pid)
    return {name: Round._make(map(statistics.median, zip(*each, strict=True))) for name, each in measured.items()}, peak


def main() -> None:
    """Print one table for one core and one for two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    usable = sorted(os.sched_getaffinity(0))
    for count in (1, 2):
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
            medians, peak = measure(Path(scratch), set(usable[:count]), options.rounds)
        print(
            f"| {count} core{'s'[: count - 1]} | gmpy2 s | service s | of gmpy2 | gmpy2 with transfers |"
            " processor time of gmpy2 | compute s | convert s | first byte |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name, each in medians.items():
            shares = (
                f"{each.total / each.gmpy2:.2f} | {1 + each.transfer / each.gmpy2:.2f} |"
                f" {each.processor / each.gmpy2_processor:.2f} |"
                f" {each.compute:.3f} | {each.encode:.3f}"
            )
            print(f"| {name} | {each.gmpy2:.3f} | {each.total:.3f} | {shares} | {each.first_byte / each.total:.0%} |")
        print(f"\npeak resident set of a computing process: {peak:.0f} MiB\n")


if __name__ == "__main__":
    main()
