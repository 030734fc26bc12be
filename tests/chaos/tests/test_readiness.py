"""Disagreements between /readyz and requests are found."""

from collections.abc import Sequence

import pytest

from tests.chaos.load import Outcome
from tests.chaos.readiness import Sample, disagreements
from tests.chaos.request_mix import power

FAILED, SUCCEEDED = 503, 200


def samples(*states: tuple[float, bool | None]) -> list[Sample]:
    """One sample every 0.1 s, with each state for so many seconds."""
    values = [ready for seconds, ready in states for _ in range(round(seconds * 10))]
    return [Sample(place / 10, place / 10 + 0.05, ready) for place, ready in enumerate(values)]


def outcomes(*states: tuple[float, int]) -> list[Outcome]:
    """One request every 0.1 s."""
    values = [status for seconds, status in states for _ in range(round(seconds * 10))]
    request = power(2, 5).request("small")
    return [
        Outcome(request, str(place), "alice", place / 10, place / 10 + 0.05, status, _problem(status))
        for place, status in enumerate(values)
    ]


def _problem(status: int) -> str | None:
    return "journal-unavailable" if status == FAILED else None


@pytest.mark.parametrize(
    ("probes", "requests", "finding"),
    [
        ([(10, True)], [(10, SUCCEEDED)], None),
        ([(10, False)], [(10, FAILED)], None),
        ([(10, True)], [(3, SUCCEEDED), (4, FAILED), (3, SUCCEEDED)], "200 while every request failed, for 3.8 s"),
        ([(10, True)], [(3, SUCCEEDED), (2, FAILED), (5, SUCCEEDED)], None),
        ([(3, True), (4, False), (3, True)], [(10, SUCCEEDED)], "503 while every request succeeded, for 3.9 s"),
        ([(3, True), (2, False), (0.1, True), (2, False)], [(10, SUCCEEDED)], None),
        ([(4, None)], [(4, SUCCEEDED)], None),
    ],
)
def test_only_long_contradictions_are_found(
    probes: Sequence[tuple[float, bool | None]], requests: Sequence[tuple[float, int]], finding: str | None
) -> None:
    found = disagreements(samples(*probes), outcomes(*requests))

    assert found == ([f"/readyz: {finding}"] if finding else [])
