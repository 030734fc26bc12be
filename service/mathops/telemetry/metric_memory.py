"""Values of metrics in memory that the master shares with its web workers, so that each worker reports the totals.

prometheus_client shares values through files instead, see docs/adr/0017-metrics-in-shared-memory.md.
"""

import mmap
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from threading import Lock

import msgspec

from mathops.telemetry.logs import get_logger

# Four times what all combinations of routes, methods and statuses need. The kernel provides pages when they are used.
REGION_BYTES = 8 * 1024 * 1024
_WORD_BYTES = 8
# One lock for all threads of this process, as in prometheus_client. No region has two writing processes.
_lock = Lock()

log = get_logger(__name__)

# A value and the time of its last change.
Sample = tuple[float, float]
Merge = Callable[[Iterable[Sample]], float]


class Region:
    """Series written by one process and read by all; later processes continue the series of earlier ones.

    The first word holds the number of words used. A series has the length of its key, the key, a value and a time.
    """

    def __init__(self, memory: memoryview) -> None:
        self._bytes, self._integers = memory, memory.cast("q")
        self._end = 1
        self.numbers: memoryview[float] = memory.cast("d")
        # Of the value, by key.
        self.positions: dict[bytes, int] = {}

    def read(self) -> None:
        """Find the series added since the last call."""
        used = self._integers[0]
        while self._end < used:
            start = (self._end + 1) * _WORD_BYTES
            key = bytes(self._bytes[start : start + self._integers[self._end]])
            self.positions[key] = self._end + 1 + _words(key)
            self._end = self.positions[key] + 2

    def add(self, key: bytes) -> int | None:
        """The position of a new series; None when the region is full."""
        position = self._end + 1 + _words(key)
        if position + 2 > len(self.numbers):
            return None
        start = (self._end + 1) * _WORD_BYTES
        self._bytes[start : start + len(key)] = key
        self._integers[self._end] = len(key)
        self.positions[key] = position
        # Last: other processes must see a complete series.
        self._end = self._integers[0] = position + 2
        return position


def _words(key: bytes) -> int:
    return -(-len(key) // _WORD_BYTES)


def _sum(samples: Iterable[Sample]) -> float:
    return sum(value for value, _ in samples)


def _max(samples: Iterable[Sample]) -> float:
    return max((value for value, _ in samples), default=0.0)


def _latest(samples: Iterable[Sample]) -> float:
    return max(samples, key=lambda sample: sample[1], default=(0.0, 0.0))[0]


# By the multiprocess mode of a gauge; counters and histograms have none.
_MERGE: dict[str, Merge] = {
    "": _sum,
    "livesum": _sum,
    "livemax": _max,
    "livemostrecent": _latest,
}


def allocate(processes: int) -> mmap.mmap:
    """Memory for that many processes, which they share if they are forked afterwards."""
    return mmap.mmap(-1, processes * REGION_BYTES)


class MetricMemory:
    """The regions of all processes and the series of this one, which uses the first region until it joins another."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._values: dict[bytes, MetricValue] = {}
        self.use(memory)

    def use(self, memory: mmap.mmap) -> None:
        view = memoryview(memory)
        starts = range(0, len(view), REGION_BYTES)
        self.regions = [Region(view[start : start + REGION_BYTES]) for start in starts]
        self.join(0)

    def join(self, number: int) -> None:
        """Continue the counters of the last process that wrote to that region."""
        with _lock:
            self.own = self.regions[number]
            self.own.read()
            for value in self._values.values():
                value.bind()

    def clear_gauges(self, number: int) -> None:
        """Set the gauges of a process that has ended to 0."""
        region = self.regions[number]
        region.read()
        for key, position in region.positions.items():
            if _decoded(key)[0] == "gauge":
                region.numbers[position] = region.numbers[position + 1] = 0.0

    def value(
        self,
        kind: str,
        metric: str,
        name: str,
        label_names: Sequence[str],
        labels: Sequence[str],
        *_: str,
        multiprocess_mode: str = "",
    ) -> "MetricValue":
        """Takes the place of ValueClass in prometheus_client."""
        key = msgspec.json.encode((kind, metric, name, labels))
        with _lock:
            value = self._values[key] = MetricValue(self, key, _MERGE[multiprocess_mode])
        return value

    def foreign_series(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Metric and label values of series that this process does not have."""
        with _lock:
            for region in self.regions:
                region.read()
        for region in self.regions:
            for key in region.positions.keys() - self._values.keys():
                _, metric, name, labels = _decoded(key)
                # The last label of a bucket is its bound.
                yield metric, tuple(labels[:-1] if name == f"{metric}_bucket" else labels)


@lru_cache(maxsize=4096)
def _decoded(key: bytes) -> tuple[str, str, str, list[str]]:
    return msgspec.json.decode(key, type=tuple[str, str, str, list[str]])


class MetricValue:
    """One series: writes change the region of this process, `get` merges the regions of all."""

    def __init__(self, memory: MetricMemory, key: bytes, merge: Merge) -> None:
        self._memory = memory
        self._key = key
        self._merge = merge
        self._exemplar: object = None
        self.bind()

    def bind(self) -> None:
        region = self._memory.own
        self._numbers: memoryview[float] | array[float] = region.numbers
        position = region.positions.get(self._key) or region.add(self._key)
        if position is None:
            # Requests must not fail because of a metric.
            log.error("memory of metrics is full, the series is not reported", series=self._key.decode())
            self._numbers, position = array("d", (0.0, 0.0)), 0
        self._position = position

    def inc(self, amount: float) -> None:
        with _lock:
            self._numbers[self._position] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        with _lock:
            self._numbers[self._position] = value
            self._numbers[self._position + 1] = timestamp or 0.0

    def get(self) -> float:
        places = [(region.numbers, region.positions.get(self._key)) for region in self._memory.regions]
        return self._merge([(numbers[at], numbers[at + 1]) for numbers, at in places if at])

    def set_exemplar(self, exemplar: object) -> None:
        self._exemplar = exemplar

    def get_exemplar(self) -> object:
        """The last one of this process."""
        return self._exemplar
