"""Processes are simulated by objects on the same memory. tests/server/test_shared_metrics.py has real ones."""

import itertools
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import Counter, Histogram, values

from mathops.errors import problem_types
from mathops.operations import OPERATIONS
from mathops.telemetry import metric_memory, metrics
from mathops.telemetry.metric_memory import MetricMemory, MetricValue, allocate
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST, METHODS
from mathops.web.routes import routes


def processes(number: int) -> list[MetricMemory]:
    memory = allocate(number)
    found = [MetricMemory(memory) for _ in range(number)]
    for region, process in enumerate(found):
        process.join(region)
    return found


def counter(process: MetricMemory, labels: Sequence[str] = ()) -> MetricValue:
    return process.value("counter", "requests", "requests_total", ["route"] if labels else [], labels, "Requests.")


def gauge(process: MetricMemory, mode: str) -> MetricValue:
    return process.value("gauge", "busy", "busy", [], [], "Busy.", multiprocess_mode=mode)


def total(process: MetricMemory, value: MetricValue) -> float:
    list(process.foreign_series())
    return value.get()


def test_each_process_reports_the_total_of_a_counter() -> None:
    pair = processes(2)
    first, second = map(counter, pair)

    first.inc(2)
    second.inc(3)

    assert [total(process, value) for process, value in zip(pair, (first, second), strict=True)] == [5, 5]


def test_a_new_process_continues_the_counters_of_the_one_that_it_replaces() -> None:
    memory = allocate(2)
    old, new, other = MetricMemory(memory), MetricMemory(memory), MetricMemory(memory)
    other.join(1)
    counter(old, ["/pow"]).inc(2)
    value = counter(new, ["/pow"])
    new.join(0)

    value.inc(1)

    assert value.get() == 3
    assert total(other, counter(other, ["/pow"])) == 3


def test_series_of_other_and_of_earlier_processes_are_found() -> None:
    first, second = processes(2)
    counter(first, ["/pow"])
    for name, bound in (("seconds_sum", []), ("seconds_bucket", ["0.5"]), ("seconds_bucket", ["+Inf"])):
        first.value("histogram", "seconds", name, ["route", *bound], ["/fib", *bound], "Time.")
    replacement = MetricMemory(allocate(1))
    replacement.regions = first.regions
    replacement.join(0)

    for process in (second, replacement):
        assert set(process.foreign_series()) == {("requests", ("/pow",)), ("seconds", ("/fib",))}
    assert list(first.foreign_series()) == []


@pytest.mark.parametrize(("mode", "merged", "left"), [("livesum", 5, 3), ("livemax", 3, 3)])
def test_gauges_are_merged_by_their_mode_and_do_not_count_after_the_end(mode: str, merged: float, left: float) -> None:
    master, first, second = processes(3)
    values = [gauge(first, mode), gauge(second, mode)]
    for value, number in zip(values, (2, 3), strict=True):
        value.set(number)
    kept = counter(first)
    kept.inc(1)

    assert total(second, values[1]) == merged
    master.clear_gauges(1)

    assert values[1].get() == left
    assert kept.get() == 1


def test_the_value_that_was_set_last_is_reported_while_its_process_runs() -> None:
    master, first, second = processes(3)
    values = [gauge(first, "livemostrecent"), gauge(second, "livemostrecent")]
    assert total(first, values[0]) == 0

    values[1].set(7, timestamp=1000.0)
    values[0].set(9, timestamp=999.0)

    assert total(first, values[0]) == 7
    master.clear_gauges(2)
    assert values[0].get() == 9


def test_a_series_that_does_not_fit_is_logged_and_harms_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metric_memory, "REGION_BYTES", 4096)
    first, second = processes(2)
    neighbour = counter(second)
    neighbour.inc(1)

    with caplog.at_level(logging.ERROR):
        series = [counter(first, [f"/{number}"]) for number in range(100)]
    for value in series:
        value.inc(1)

    reported = [value.get() for value in series]
    assert reported == sorted(reported, reverse=True)
    assert 0 < sum(reported) < 100
    assert "memory of metrics is full" in caplog.text
    assert len(list(second.foreign_series())) == sum(reported)
    assert neighbour.get() == 1


def test_a_region_has_room_for_every_series_of_all_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_memory, "REGION_BYTES", metric_memory.REGION_BYTES // 4)
    memory = MetricMemory(allocate(1))
    monkeypatch.setattr(values, "ValueClass", memory.value)
    statuses = {error.status for error in problem_types().values()} | {200, 204, 304, 307, CLIENT_CLOSED_REQUEST}
    paths = [*(endpoint.path for endpoint in routes(OPERATIONS)), "unmatched"]
    requests = Counter("http_requests", "-", ["method", "route", "status"], registry=None)
    durations = Histogram(
        "http_request_duration_seconds",
        "-",
        ["method", "route"],
        registry=None,
        buckets=metrics.HTTP_DURATION._upper_bounds,
    )

    for method, route in itertools.product([*METHODS, "other"], paths):
        durations.labels(method, route)
        for status in statuses:
            requests.labels(method, route, status)

    assert len(memory.own.positions) == len(memory._values)


def test_a_key_holds_any_label() -> None:
    first, second = processes(2)
    labels: list[Any] = ['"', "\\", "ü\n", ""]
    counter(first, labels)

    assert list(second.foreign_series()) == [("requests", tuple(labels))]
    assert json.loads(next(iter(first.own.positions)))[3] == labels
