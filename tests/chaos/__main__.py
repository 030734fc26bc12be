"""`python -m tests.chaos`: mixed load under injected faults, then a comparison of all stores."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme
from rich.console import Console

from tests.chaos.clock import ClockError
from tests.chaos.disk import MountError, small_disk
from tests.chaos.environment import Dependencies
from tests.chaos.journals import postgres_store
from tests.chaos.report import show
from tests.chaos.run import run
from tests.integration.services import redis
from tests.integration.services.kafka import Kafka


@contextmanager
def containers(journal: str) -> Iterator[Dependencies]:
    """Redis, Kafka and PostgreSQL for the journal, in containers that are removed at the end."""
    authority = trustme.CA()
    with ExitStack() as stack:
        container = redis.start(authority)
        stack.callback(container.remove)
        kafka = Kafka(authority)
        stack.callback(kafka.remove)
        postgres = stack.enter_context(postgres_store()) if journal == "postgresql" else None
        yield Dependencies(container, kafka, postgres)


def main() -> int:
    """Exit code 0 without findings, 1 with findings, 2 if the disk cannot be mounted or the clock cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="duration of fault injection")
    parser.add_argument("--seed", default=str(time.time_ns()), help="determines faults and load")
    parser.add_argument("--journal", choices=("sqlite", "postgresql"), default="sqlite", help="the journal's database")
    arguments = parser.parse_args()
    console = Console(width=120)
    console.print(f"{arguments.seconds:g} s, seed {arguments.seed}", highlight=False)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mathops-chaos-") as folder,
            small_disk(Path(folder) / "data", arguments.seconds),
            containers(arguments.journal) as dependencies,
        ):
            verdict = run(Path(folder), arguments.seconds, arguments.seed, dependencies)
    except (MountError, ClockError) as reason:
        console.print(f"not run: {reason}", highlight=False)
        return 2
    show(verdict, console)
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
