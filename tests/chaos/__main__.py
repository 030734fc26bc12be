"""`python -m tests.chaos`: mixed load while everything around it breaks, and a table of what became of it."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme
from rich.console import Console

from tests.chaos.disk import NoSmallDisk, small_disk
from tests.chaos.report import show
from tests.chaos.run import run
from tests.chaos.scene import Neighbours
from tests.integration.services import redis
from tests.integration.services.kafka import Kafka


@contextmanager
def own_neighbours() -> Iterator[Neighbours]:
    """Redis and Kafka in containers that are removed at the end."""
    authority = trustme.CA()
    with ExitStack() as stack:
        container = redis.start(authority)
        stack.callback(container.remove)
        kafka = Kafka(authority)
        stack.callback(kafka.remove)
        yield Neighbours(container, kafka)


def main() -> int:
    """Exit code 0 when nothing was lost and nothing was wrong, 1 otherwise, 2 where it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long faults are made")
    parser.add_argument("--seed", default=str(time.time_ns()), help="decides the faults and the load")
    arguments = parser.parse_args()
    console = Console(width=120)
    console.print(f"{arguments.seconds:g} s, seed {arguments.seed}", highlight=False)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mathops-chaos-") as folder,
            small_disk(Path(folder) / "data", arguments.seconds),
            own_neighbours() as neighbours,
        ):
            verdict = run(Path(folder), arguments.seconds, arguments.seed, neighbours)
    except NoSmallDisk as reason:
        console.print(f"not run: {reason}", highlight=False)
        return 2
    show(verdict, console)
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
