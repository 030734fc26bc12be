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

HTTP_REQUESTS = Counter(
    "http_requests", "HTTP requests by method, route template and status.", ["method", "route", "status"]
)
HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the request to the last byte of the response.",
    ["method", "route"],
    buckets=_SECONDS,
)
OPERATIONS = Counter(
    "mathops_operations",
    "Operation requests; outcome is ok or the problem type.",
    ["operation", "outcome", "cache"],
)
OPERATION_DURATION = Histogram(
    "mathops_operation_duration_seconds",
    "Time to compute a result, including the wait in the queue; cache hits are not counted.",
    ["operation"],
    buckets=_SECONDS,
)
CACHE_HITS = Counter("mathops_cache_hits", "Cache hits.")
CACHE_MISSES = Counter("mathops_cache_misses", "Cache misses.")
CACHE_ERRORS = Counter("mathops_cache_errors", "Failed calls to the shared cache, by reason.", ["reason"])
RATE_LIMIT_ERRORS = Counter(
    "mathops_rate_limit_errors", "Failed calls to the shared rate limits, by reason.", ["reason"]
)
REVOCATION_ERRORS = Counter(
    "mathops_revocation_errors", "Failed calls to the shared list of revoked tokens, by reason.", ["reason"]
)
CIRCUIT_BREAKER_OPEN = Gauge(
    "mathops_circuit_breaker_open",
    "1 while the circuit breaker of a dependency is open, else 0.",
    ["dependency"],
    multiprocess_mode="livemax",
)
JOURNAL_ROWS = Counter("mathops_journal_rows", "Rows committed to the journal.")
JOURNAL_COMMIT_DURATION = Histogram(
    "mathops_journal_commit_duration_seconds", "Time of one group commit.", buckets=_SECONDS
)
JOURNAL_FAILURES = Counter("mathops_journal_failures", "Rows that could not be committed, by reason.", ["reason"])
JOURNAL_RESTARTS = Counter("mathops_journal_restarts", "Journal processes that ended unexpectedly and were restarted.")
JOURNAL_IN_FLIGHT = Gauge(
    "mathops_journal_in_flight_rows",
    "Rows sent to the journal process and not yet committed.",
    multiprocess_mode="livesum",
)
OUTBOX_PENDING = Gauge("mathops_outbox_pending_rows", "Rows not yet published.", multiprocess_mode="livemostrecent")
OUTBOX_OLDEST_AGE = Gauge(
    "mathops_outbox_oldest_age_seconds", "Age of the oldest row not yet published.", multiprocess_mode="livemostrecent"
)
EVENTS_PUBLISHED = Counter("mathops_events_published", "Events acknowledged by the broker.")
PUBLISH_FAILURES = Counter("mathops_event_publish_failures", "Failed publish attempts.")
DEAD_LETTERS = Counter("mathops_event_dead_letters", "Events rejected by the broker and set aside.")
POOL_WORKERS = Gauge("mathops_pool_workers", "Computing processes.", multiprocess_mode="livesum")
POOL_BUSY = Gauge("mathops_pool_busy_workers", "Busy computing processes.", multiprocess_mode="livesum")
POOL_QUEUED = Gauge(
    "mathops_pool_queued_computations", "Computations waiting for a process.", multiprocess_mode="livesum"
)
POOL_WORKER_EXITS = Counter(
    "mathops_pool_worker_exits", "Computing processes killed by the service, or died, by reason.", ["reason"]
)
AUTHENTICATION_FAILURES = Counter("mathops_authentication_failures", "Requests without a valid token.")
BUILD_INFO = Gauge(
    "mathops_build_info", "Version of the service; always 1.", ["version", "python"], multiprocess_mode="livemax"
)


@lru_cache(maxsize=4096)
def cached_labels(metric: Any, *values: str | int) -> Any:
    """`metric.labels(*values)`, remembered: the look-up costs as much as the counting."""
    return metric.labels(*values)


def exemplar() -> dict[str, str] | None:
    """The exemplar of the current trace, if it is one that is kept; multiprocess mode has none and drops it."""
    trace_id = current_trace_id(sampled=True)
    return {"trace_id": trace_id} if trace_id else None


def set_build_info() -> None:
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
