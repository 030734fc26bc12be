"""Memory of each process of an idle service with embedded dependencies, and the time from start to readiness."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import psutil
import servers

PORT = 5845
ROLES = {
    "mathops.journal.process": "journal process",
    "mathops.processes.pool_worker": "idle computing process",
}


def measure(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds to the first success of /readyz, and MiB of proportional set size by role."""
    started = time.perf_counter()
    with servers.running(servers.mathops(folder, PORT)) as server:
        servers.wait(PORT, "/readyz")
        ready = time.perf_counter() - started
        servers.login(PORT)
        master = psutil.Process(server.pid)
        sizes = {"master": _proportional(master)}
        for process in master.children(recursive=True):
            module = next((name for name in ROLES if name in process.cmdline()), "")
            sizes[ROLES.get(module, "web worker")] = _proportional(process)
        return ready, sizes


def _proportional(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
        # One folder, so that only the first start, which is left out, creates keys and schema.
        _, *measured = [measure(Path(scratch)) for _ in range(rounds + 1)]
    print("| process | proportional set size, MiB |")
    print("|---|---:|")
    for role in measured[0][1]:
        print(f"| {role} | {statistics.median(sizes[role] for _, sizes in measured):.0f} |")
    print(f"\nready after {statistics.median(ready for ready, _ in measured):.2f} s")


if __name__ == "__main__":
    main()
