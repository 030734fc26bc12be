"""Runs all benchmarks but soak.py, and writes their tables into README.md, with environment and date, and the plot."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import plot
import servers

BENCHMARKS = (
    "compare.py",
    "mixed_load.py",
    "large_results.py",
    "footprint.py",
    "dependencies.py",
    "replicas.py",
    "relay.py",
    "growth.py",
    "growth.py --postgresql",
    "tokens.py",
    "rate_limits.py",
    "spans.py",
    "redis_failures.py",
    "floods.py",
    "profile_request.py",
    "compression.py",
)


def environment() -> str:
    """Date, interpreter, processor and system."""
    model = platform.processor() or platform.machine()
    if (information := Path("/proc/cpuinfo")).exists():
        names = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(": ")[2] if names else model
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {python}, {os.cpu_count()} cores ({model}), {platform.system()}"


def run(benchmark: str) -> str:
    """The output of one benchmark, which is printed too."""
    print(f"== {benchmark}", flush=True)
    result = subprocess.run(
        [sys.executable, *(str(servers.HERE / benchmark).split())],
        env={**os.environ, "PYTHONPATH": servers.IMPORT_PATH},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(result.stdout, flush=True)
    return result.stdout.strip()


def main() -> None:
    """Replace the last section of README.md."""
    sections = [f"{plot.HEADING}\n\n{environment()}.\n"]
    sections += [f"### `{benchmark}`\n\n{run(benchmark)}\n" for benchmark in BENCHMARKS]
    page = plot.PAGE.read_text(encoding="utf-8").partition(plot.HEADING)[0]
    plot.PAGE.write_text(page + "\n".join(sections), encoding="utf-8")
    plot.main()


if __name__ == "__main__":
    main()
