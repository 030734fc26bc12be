"""Servers take turns in one run, so that a machine that drifts drifts for all."""

import argparse
import statistics
from collections.abc import Callable, Mapping
from typing import Any


def options(description: str | None, rounds: int) -> argparse.Namespace:
    """What the command line says: `rounds` (or as many as given here), `seconds` of each, `connections`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    return parser.parse_args()


def medians(rounds: int, turns: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Each turn's named tuples over so many rounds, as one tuple of medians."""
    seen: dict[str, list[Any]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, turn in turns.items():
            result = turn()
            if number:  # the first warms up
                seen[name].append(result)
    return {
        name: results[0]._make(statistics.median(values) for values in zip(*results, strict=True))
        for name, results in seen.items()
    }
