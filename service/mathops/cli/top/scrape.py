"""The metrics of a service: one response of /metrics, and the change between two."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from mathops.telemetry import metrics

Labels = frozenset[tuple[str, str]]
Series = dict[Labels, float]
# The parts of a metric in the text format.
_COUNTER, _BUCKET, _GAUGE = "_total", "_bucket", ""


class Scrape:
    """The samples of one response, received at `time` (seconds of a monotonic clock)."""

    def __init__(self, text: str, time: float) -> None:
        """Raises ValueError for a text that is not from mathops."""
        self.time = time
        self.samples: defaultdict[str, Series] = defaultdict(dict)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.samples[sample.name][frozenset(sample.labels.items())] = sample.value
        if not self.series(metrics.BUILD_INFO, _GAUGE):
            raise ValueError("no metrics of mathops")

    def series(self, metric: Any, part: str) -> Series:
        return self.samples.get(metric.describe()[0].name + part, {})


class Interval(NamedTuple):
    """The changes between two scrapes; arguments named after labels select series."""

    before: Scrape
    now: Scrape

    @property
    def seconds(self) -> float:
        return self.now.time - self.before.time

    def rate(self, counter: Any, **labels: str) -> float:
        """Increments per second."""
        return sum(value for _, value in self._increases(counter, _COUNTER, labels)) / self.seconds

    def rates(self, counter: Any, label: str, **labels: str) -> dict[str, float]:
        """Increments per second by value of `label`."""
        found: defaultdict[str, float] = defaultdict(float)
        for name, value in self._increases(counter, _COUNTER, labels):
            found[name[label]] += value / self.seconds
        return found

    def total(self, counter: Any) -> float:
        """The count since the start of the service."""
        return sum(self.now.series(counter, _COUNTER).values())

    def gauge(self, metric: Any) -> float:
        return sum(self.now.series(metric, _GAUGE).values())

    def gauges(self, metric: Any, label: str) -> dict[str, float]:
        return {dict(labels)[label]: value for labels, value in self.now.series(metric, _GAUGE).items()}

    def quantile(self, histogram: Any, quantile: float, **labels: str) -> float | None:
        """The estimate of PromQL's histogram_quantile; None without observations, infinite beyond the last bucket."""
        buckets: defaultdict[float, float] = defaultdict(float)
        for name, value in self._increases(histogram, _BUCKET, labels):
            buckets[float(name["le"])] += value
        rank = quantile * buckets.get(math.inf, 0)
        if not rank:
            return None
        lower, below = 0.0, 0.0
        for upper, count in sorted(buckets.items()):
            if count >= rank:
                return lower + (upper - lower) * (rank - below) / (count - below) if upper < math.inf else upper
            lower, below = upper, count
        return None

    def _increases(self, metric: Any, part: str, labels: Mapping[str, str]) -> Iterator[tuple[dict[str, str], float]]:
        earlier = self.before.series(metric, part)
        for name, value in self.now.series(metric, part).items():
            if labels.items() <= name:
                previous = earlier.get(name, 0.0)
                # A counter starts from 0 again when the service restarts.
                yield dict(name), value - previous if value >= previous else value
