"""One frame of the view as text, at most WIDTH columns wide."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from mathops.cli.console import printable
from mathops.cli.top.scrape import Interval
from mathops.telemetry import metrics

WIDTH = 80
# A terminal has 24 lines.
_MAX_ROUTES = 4
_QUANTILES = (0.5, 0.95, 0.99)
_LABEL_WIDTH = 14
_GAP = "   "


def frame(address: str, interval: Interval, time: datetime) -> str:
    version = "".join(interval.gauges(metrics.BUILD_INFO, "version"))
    title, period = f"mathops {version} at {address}", f"  {time:%H:%M:%S} UTC, last {interval.seconds:.1f} s"
    lines = [
        f"{title:<{WIDTH - len(period)}.{WIDTH - len(period)}}{period}",
        "",
        *_routes(interval),
        "",
        *_operations(interval),
        "",
        *_parts(interval),
    ]
    return "\n".join(printable(line)[:WIDTH].rstrip() for line in lines)


def _routes(interval: Interval) -> Iterator[str]:
    yield _table_row("ROUTE", "REQ/S", "P50", "P95", "P99", "4XX/S", "5XX/S")
    yield _route("all", interval)
    rates = interval.rates(metrics.HTTP_REQUESTS, "route")
    busy = sorted((route for route, rate in rates.items() if rate), key=lambda route: (-rates[route], route))
    for route in busy[:_MAX_ROUTES]:
        yield _route(route, interval, route=route)
    if len(busy) > _MAX_ROUTES:
        yield f"and {len(busy) - _MAX_ROUTES} more"


def _route(name: str, interval: Interval, **labels: str) -> str:
    classes: defaultdict[str, float] = defaultdict(float)
    for status, rate in interval.rates(metrics.HTTP_REQUESTS, "status", **labels).items():
        classes[status[0]] += rate
    quantiles = [_duration(interval.quantile(metrics.HTTP_DURATION, q, **labels)) for q in _QUANTILES]
    return _table_row(name, _rate(sum(classes.values())), *quantiles, _rate(classes["4"]), _rate(classes["5"]))


def _operations(interval: Interval) -> Iterator[str]:
    yield _table_row("OPERATION", "REQ/S", "P50", "P95", "P99", "HITS/S", "ERR/S")
    requests = interval.rates(metrics.OPERATIONS, "operation")
    for name, rate in sorted(requests.items()):
        hits = interval.rate(metrics.OPERATIONS, operation=name, cache="hit")
        errors = rate - interval.rate(metrics.OPERATIONS, operation=name, outcome="ok")
        quantiles = [_duration(interval.quantile(metrics.OPERATION_DURATION, q, operation=name)) for q in _QUANTILES]
        yield _table_row(name, _rate(rate), *quantiles, _rate(hits), _rate(errors))


def _parts(interval: Interval) -> Iterator[str]:
    rate, gauge, total = interval.rate, interval.gauge, interval.total
    hits, misses = rate(metrics.CACHE_HITS), rate(metrics.CACHE_MISSES)
    exits = interval.rates(metrics.POOL_WORKER_EXITS, "reason")
    breakers = interval.gauges(metrics.CIRCUIT_BREAKER_OPEN, "dependency")
    parts = {
        "Cache": [
            f"hit ratio {hits / (hits + misses):.0%}" if hits + misses else "hit ratio -",
            f"{_rate(hits)} hits/s",
            f"{_rate(misses)} misses/s",
            f"{_rate(rate(metrics.CACHE_ERRORS))} errors/s",
        ],
        "Compute pool": [
            f"{gauge(metrics.POOL_BUSY):,.0f} of {gauge(metrics.POOL_WORKERS):,.0f} busy",
            f"{gauge(metrics.POOL_QUEUED):,.0f} queued",
            *(f"{_rate(exits[reason])} {reason}/s" for reason in sorted(exits)),
        ],
        "Journal": [
            f"{_rate(rate(metrics.JOURNAL_ROWS))} rows/s",
            f"commit P99 {_duration(interval.quantile(metrics.JOURNAL_COMMIT_DURATION, 0.99))}",
            f"{gauge(metrics.JOURNAL_IN_FLIGHT):,.0f} in flight",
            f"{_rate(rate(metrics.JOURNAL_FAILURES))} failures/s",
            f"{total(metrics.JOURNAL_RESTARTS):,.0f} restarts",
        ],
        "Outbox": [
            f"{gauge(metrics.OUTBOX_PENDING):,.0f} pending",
            f"oldest {_duration(gauge(metrics.OUTBOX_OLDEST_AGE))}",
            f"{_rate(rate(metrics.EVENTS_PUBLISHED))} published/s",
            f"{_rate(rate(metrics.PUBLISH_FAILURES))} failures/s",
            f"{total(metrics.DEAD_LETTERS):,.0f} dead letters",
        ],
        "Dependencies": [
            *(f"{name} {'unavailable' if is_open else 'ok'}" for name, is_open in sorted(breakers.items())),
            f"{_rate(rate(metrics.RATE_LIMIT_ERRORS))} rate limit errors/s",
        ],
        "Logins": [f"{_rate(rate(metrics.AUTHENTICATION_FAILURES))} rejected tokens and logins/s"],
    }
    for label, cells in parts.items():
        yield from _wrapped(label, cells)


def _table_row(name: str, *cells: str) -> str:
    return f"{name:<20.20}" + "".join(f"{cell:>10}" for cell in cells)


def _wrapped(label: str, cells: Sequence[str]) -> Iterator[str]:
    line = f"{label:<{_LABEL_WIDTH}}{cells[0]}"
    for cell in cells[1:]:
        if len(line) + len(_GAP) + len(cell) > WIDTH:
            yield line
            line = " " * _LABEL_WIDTH + cell
        else:
            line += _GAP + cell
    yield line


def _rate(value: float) -> str:
    return f"{value:,.1f}" if value < 1e5 else f"{value:,.0f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "over 10 s"
    return f"{seconds:,.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
