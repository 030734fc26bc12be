"""Compares /readyz with what requests met at the same time."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import NamedTuple

from tests.chaos.load import Outcome
from tests.chaos.responses import JOURNAL_UNAVAILABLE
from tests.support.load import Callers

_PAUSE_SECONDS = 0.1
_MAX_DISAGREEMENT_SECONDS = 3.0


class Sample(NamedTuple):
    """One answer of /readyz (monotonic seconds); `ready` is None without an answer."""

    began: float
    ended: float
    ready: bool | None


class ReadinessProbe(Callers):
    """Samples /readyz of a random worker while the context is entered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self.samples: list[Sample] = []
        self._threads = [threading.Thread(target=self._probe)]

    def _probe(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            began = time.monotonic()
            ready = self._ready()
            self.samples.append(Sample(began, time.monotonic(), ready))

    def _ready(self) -> bool | None:
        try:
            # A new connection each time, because it may reach another worker.
            with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return None


def disagreements(samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> list[str]:
    """Times of more than three seconds in which every sample and every request contradicted each other."""
    requests = sorted(
        (outcome.ended, outcome.status != 503)
        for outcome in outcomes
        if outcome.request.operation is not None
        and outcome.status is not None
        and (outcome.status != 503 or outcome.problem == JOURNAL_UNAVAILABLE)
    )
    answered = [sample for sample in samples if sample.ready is not None]
    findings = []
    for succeeded, began, ended in _stretches(requests):
        within = [sample for sample in answered if sample.began >= began and sample.ended <= ended]
        for ready, first, last in _stretches([(sample.ended, bool(sample.ready)) for sample in within]):
            if ready != succeeded and last - first > _MAX_DISAGREEMENT_SECONDS:
                state = "200 while every request failed" if ready else "503 while every request succeeded"
                findings.append(f"/readyz: {state}, for {last - first:.1f} s")
    return findings


def _stretches(events: Sequence[tuple[float, bool]]) -> Iterator[tuple[bool, float, float]]:
    """The longest periods with equal values."""
    for value, group in groupby(events, key=lambda event: event[1]):
        times = [moment for moment, _ in group]
        yield value, times[0], times[-1]
