"""Interleaves the rounds of several servers, so that drift of the machine affects all of them equally."""

import argparse
import statistics
from collections.abc import Callable, Mapping
from typing import Any


def parse_options(description: str | None, rounds: int, connections: int = 32) -> argparse.Namespace:
    """Options `rounds` and `connections` (with these defaults), and `seconds` of each round."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=connections)
    return parser.parse_args()


def medians(rounds: int, measurements: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Run every measurement once per round; one named tuple of medians for each. Prints the spread of the rounds."""
    results: dict[str, list[Any]] = {name: [] for name in measurements}
    for number in range(rounds + 1):
        for name, measure in measurements.items():
            result = measure()
            if number:  # round 0 warms up
                results[name].append(result)
    _print_spread(results)
    return {
        name: tuples[0]._make(statistics.median(values) for values in zip(*tuples, strict=True))
        for name, tuples in results.items()
    }


def _print_spread(results: Mapping[str, list[Any]]) -> None:
    print("| rounds relative to their median | figure | smallest | largest |")
    print("|---|---|---:|---:|")
    for name, tuples in results.items():
        values = [each[0] for each in tuples]
        median = statistics.median(values)
        print(f"| {name} | {tuples[0]._fields[0]} | {min(values) / median:.2f} | {max(values) / median:.2f} |")
    print()
