"""The metrics, by Prometheus' naming conventions, and their exposition.

With several web workers prometheus_client shares counters through files in PROMETHEUS_MULTIPROC_DIR;
that variable must be set before this module is first imported.
"""

import os
import platform
from functools import lru_cache
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from mathops import __version__
from mathops.telemetry.tracing import current_trace_id

# A time of birth for every series doubles the page, and Prometheus reads resets from the counters themselves.
disable_created_metrics()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

HTTP_REQUESTS = Counter("http_requests", "Answered requests.", ["method", "route", "status"])
HTTP_DURATION = Histogram(
    "http_request_duration_seconds", "Time from request to last byte.", ["method", "route"], buckets=_SECONDS
)
OPERATIONS = Counter(
    "mathops_operations",
    "Operations asked for; outcome is ok or the problem type.",
    ["operation", "outcome", "cache"],
)
OPERATION_DURATION = Histogram(
    "mathops_operation_duration_seconds",
    "Time to compute a result, queue included; what the cache had is not in it.",
    ["operation"],
    buckets=_SECONDS,
)
CACHE_HITS = Counter("mathops_cache_hits", "Results that the cache had.")
CACHE_MISSES = Counter("mathops_cache_misses", "Results that the cache had not.")
CACHE_ERRORS = Counter("mathops_cache_errors", "Questions to the shared cache without a usable answer.", ["reason"])
LIMITER_ERRORS = Counter("mathops_limiter_errors", "Quotas that were not charged in the shared place.", ["reason"])
REVOCATION_ERRORS = Counter("mathops_revocation_errors", "Revocations without a usable answer.", ["reason"])
BREAKER_OPEN = Gauge(
    "mathops_breaker_open", "1 while a helper is left alone for its faults.", ["helper"], multiprocess_mode="livemax"
)
JOURNAL_ROWS = Counter("mathops_journal_rows", "Rows committed.")
JOURNAL_COMMIT_DURATION = Histogram(
    "mathops_journal_commit_duration_seconds", "Time of one group commit.", buckets=_SECONDS
)
JOURNAL_FAILURES = Counter("mathops_journal_failures", "Rows refused, by reason.", ["reason"])
JOURNAL_RESTARTS = Counter("mathops_journal_restarts", "Journal processes started after one was lost.")
JOURNAL_WAITING = Gauge("mathops_journal_waiting_rows", "Rows sent and not yet committed.", multiprocess_mode="livesum")
OUTBOX_PENDING = Gauge("mathops_outbox_pending", "Rows that no broker has yet.", multiprocess_mode="livemostrecent")
OUTBOX_OLDEST = Gauge(
    "mathops_outbox_oldest_seconds",
    "Age of the oldest row that no broker has yet.",
    multiprocess_mode="livemostrecent",
)
EVENTS_PUBLISHED = Counter("mathops_events_published", "Events that the broker has stored.")
EVENTS_FAILURES = Counter("mathops_events_failures", "Times that publishing was broken off, to be tried again.")
EVENTS_DEAD = Counter("mathops_events_dead_letters", "Events that the broker refused for good, set aside.")
POOL_WORKERS = Gauge("mathops_pool_workers", "Computing processes.", multiprocess_mode="livesum")
POOL_BUSY = Gauge("mathops_pool_busy_workers", "Computing processes at work.", multiprocess_mode="livesum")
POOL_WAITING = Gauge("mathops_pool_waiting", "Computations that wait for a process.", multiprocess_mode="livesum")
POOL_LOST = Counter("mathops_pool_lost_workers", "Computing processes that were stopped at work, or lost.", ["reason"])
TOKENS_REFUSED = Counter("mathops_tokens_refused", "Requests without a valid token.")
BUILD_INFO = Gauge(
    "mathops_build_info",
    "Version of the service; always 1.",
    ["version", "python"],
    multiprocess_mode="livemax",
)


@lru_cache(maxsize=4096)
def labelled(metric: Any, *values: str | int) -> Any:
    """`metric.labels(*values)`, remembered: the look-up costs as much as the counting."""
    return metric.labels(*values)


def exemplar() -> dict[str, str] | None:
    """The exemplar of the current trace, if it is one that is kept; multiprocess mode has none and drops it."""
    trace_id = current_trace_id(sampled=True)
    return {"trace_id": trace_id} if trace_id else None


def announce_build() -> None:
    """Set mathops_build_info; a worker calls this once it runs."""
    BUILD_INFO.labels(__version__, platform.python_version()).set(1)


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in the text format that `accept` prefers, and its media type."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
