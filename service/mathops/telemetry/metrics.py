"""Prometheus metrics and their exposition. With several web workers each of them exposes the totals of all."""

import platform
from functools import lru_cache, partial
from typing import Any

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import choose_encoder

from mathops import __version__
from mathops.telemetry.metric_memory import MetricMemory, allocate

# Creation timestamps would double the size of /metrics, and Prometheus detects counter resets without them.
disable_created_metrics()

MEMORY = MetricMemory(allocate(1))
values.ValueClass = MEMORY.value
_Duration = partial(Histogram, buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
_Sum = partial(Gauge, multiprocess_mode="livesum")
_Max = partial(Gauge, multiprocess_mode="livemax")
_Latest = partial(Gauge, multiprocess_mode="livemostrecent")

HTTP_REQUESTS = Counter("http_requests", "HTTP requests by route template.", ["method", "route", "status"])
HTTP_DURATION = _Duration("http_request_duration_seconds", "Time until the last response byte.", ["method", "route"])
OPERATIONS = Counter(
    "mathops_operations", "Operations; outcome: ok or problem type.", ["operation", "outcome", "cache"]
)
OPERATION_DURATION = _Duration("mathops_operation_duration_seconds", "Queueing and computation time.", ["operation"])
CACHE_HITS = Counter("mathops_cache_hits", "Cache hits.")
CACHE_MISSES = Counter("mathops_cache_misses", "Cache misses.")
CACHE_ERRORS = Counter("mathops_cache_errors", "Failed calls to the shared cache.", ["reason"])
RATE_LIMIT_ERRORS = Counter("mathops_rate_limit_errors", "Failed calls to the shared rate limits.", ["reason"])
CIRCUIT_BREAKER_OPEN = _Max("mathops_circuit_breaker_open", "1 while a circuit breaker is open.", ["dependency"])
JOURNAL_ROWS = Counter("mathops_journal_rows", "Rows committed to the journal.")
JOURNAL_COMMIT_DURATION = _Duration("mathops_journal_commit_duration_seconds", "Duration of a batch's group commit.")
JOURNAL_FAILURES = Counter("mathops_journal_failures", "Callers without a confirmed commit, by reason.", ["reason"])
JOURNAL_RESTARTS = Counter("mathops_journal_restarts", "Journal processes that ended unexpectedly and were restarted.")
JOURNAL_IN_FLIGHT = _Sum("mathops_journal_in_flight_rows", "Rows waiting for their commit.")
OUTBOX_PENDING = _Latest("mathops_outbox_pending_rows", "Rows not yet published.")
OUTBOX_OLDEST_AGE = _Latest("mathops_outbox_oldest_age_seconds", "Age of the oldest row not yet published.")
EVENTS_PUBLISHED = Counter("mathops_events_published", "Events acknowledged by the broker.")
PUBLISH_FAILURES = Counter("mathops_event_publish_failures", "Failed publish attempts.")
DEAD_LETTERS = Counter("mathops_event_dead_letters", "Events rejected by the broker and stored as dead letters.")
POOL_WORKERS = _Sum("mathops_pool_workers", "Computing processes.")
POOL_BUSY = _Sum("mathops_pool_busy_workers", "Busy computing processes.")
POOL_QUEUED = _Sum("mathops_pool_queued_computations", "Computations waiting for a process.")
POOL_WORKER_EXITS = Counter("mathops_pool_worker_exits", "Computing processes ended while serving.", ["reason"])
AUTHENTICATION_FAILURES = Counter("mathops_authentication_failures", "Missing or invalid tokens, and failed logins.")
FILE_INVALID = _Max("mathops_file_invalid", "1 while a file that is read again after changes is invalid.", ["file"])
ISSUER_FETCH_FAILURES = Counter(
    "mathops_issuer_fetch_failures", "Failed attempts to fetch the keys of an issuer.", ["issuer"]
)
ISSUER_UNAVAILABLE = _Max(
    "mathops_issuer_unavailable", "1 while the keys of an external issuer cannot be fetched.", ["issuer"]
)
SIGN_INS = Counter("mathops_sign_ins", "Sign-ins of people through external issuers, by outcome.", ["outcome"])
BUILD_INFO = _Max("mathops_build_info", "Version of the service and of Python; always 1.", ["version", "python"])


@lru_cache(maxsize=4096)
def cached_labels(metric: Any, *values: str | int) -> Any:
    """`metric.labels(*values)`, cached because the lookup costs as much as the increment."""
    return metric.labels(*values)


# The labels of counters that alerts use. The first failure of a counter that it creates is hidden from increase().
_REASONS: tuple[tuple[Counter, tuple[str, ...]], ...] = (
    (JOURNAL_FAILURES, ("full", "commit_error", "timeout", "encoding")),
    (POOL_WORKER_EXITS, ("killed", "died")),
    (SIGN_INS, ("ok", "rejected", "unavailable")),
)


def set_initial_values() -> None:
    """Set mathops_build_info, and counters to 0; each worker calls this after fork."""
    BUILD_INFO.labels(__version__, platform.python_version()).set(1)
    for counter, reasons in _REASONS:
        for reason in reasons:
            counter.labels(reason)


def join(region: int) -> None:
    """Use a region of the memory that the master has allocated; a web worker calls this after fork."""
    MEMORY.join(region)
    if len(MEMORY.regions) > 1:
        # They would be those of any one web worker.
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            REGISTRY.unregister(collector)


_METRICS = {
    family.name: metric
    for metric in list(vars().values())
    if isinstance(metric, Counter | Gauge | Histogram)
    for family in metric.describe()
}


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in the text format that the Accept header `accept` prefers, and their media type."""
    for name, labels in MEMORY.foreign_series():
        # A metric exposes only the series that this process has.
        _METRICS[name].labels(*labels)
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type
