"""Requests, error budgets and instances."""

from charts.boards.error_budgets import OBJECTIVES
from charts.boards.panels import Board, Panel, Query, Row, own, quantile, rate

ERROR = 'status=~"5.."'

REQUESTS = Board(
    "requests",
    "Requests",
    "Requests, errors, durations, error budgets and instances of mathops.",
    [
        Row(
            "Overview",
            [
                Panel(
                    "Requests",
                    "Completed requests per second.",
                    "reqps",
                    [Query(f"sum({rate('http_requests_total')})", "requests")],
                    single=True,
                    width=6,
                ),
                Panel(
                    "Errors",
                    "Fraction of responses with status 5xx.",
                    "percentunit",
                    [
                        Query(
                            f"(sum({rate('http_requests_total', ERROR)}) or vector(0))"
                            f" / sum({rate('http_requests_total')})",
                            "errors",
                        )
                    ],
                    limits=[0.001, 0.01],
                    single=True,
                    width=6,
                ),
                Panel(
                    "99th percentile",
                    "99% of requests complete within this time.",
                    "s",
                    [Query(quantile(0.99, "http_request_duration_seconds"), "p99")],
                    limits=[0.5, 1],
                    single=True,
                    width=6,
                ),
                Panel(
                    "Instances",
                    "Running instances by version.",
                    "none",
                    [Query(f"count by (version) ({own('mathops_build_info')})", "{{version}}")],
                    alerts=["MathopsAbsent"],
                    single=True,
                    width=6,
                ),
                Panel(
                    "Open circuit breakers",
                    "Calls of Redis are off; replicas share no cache and no rate limits.",
                    "none",
                    [Query(f"sum({own('mathops_circuit_breaker_open')}) or vector(0)", "open")],
                    limits=[1],
                    alerts=["MathopsCircuitBreakerOpen"],
                    single=True,
                ),
                Panel(
                    "Invalid files",
                    "Changed files that are invalid; their last valid content is in use.",
                    "none",
                    [Query(f"sum({own('mathops_file_invalid')}) or vector(0)", "invalid")],
                    limits=[1],
                    alerts=["MathopsFileInvalid"],
                    single=True,
                ),
                Panel(
                    "Unavailable issuers",
                    "External issuers whose keys cannot be fetched.",
                    "none",
                    [Query(f"sum({own('mathops_issuer_unavailable')}) or vector(0)", "unavailable")],
                    limits=[1],
                    alerts=["MathopsIssuerUnavailable"],
                    single=True,
                ),
            ],
        ),
        Row(
            "Requests",
            [
                Panel(
                    "Requests by route",
                    "Completed requests per second.",
                    "reqps",
                    [Query(f"sum by (route) ({rate('http_requests_total')})", "{{route}}")],
                    width=12,
                ),
                Panel(
                    "Requests by status",
                    "Completed requests per second. Status 499: the client disconnected.",
                    "reqps",
                    [Query(f"sum by (status) ({rate('http_requests_total')})", "{{status}}")],
                    width=12,
                ),
                Panel(
                    "Duration",
                    "Time from the request to the last byte of the response. Points are exemplars: each links to the"
                    " trace of its request.",
                    "s",
                    [
                        Query(quantile(0.5, "http_request_duration_seconds"), "p50"),
                        Query(quantile(0.9, "http_request_duration_seconds"), "p90"),
                        Query(quantile(0.99, "http_request_duration_seconds"), "p99", exemplars=True),
                    ],
                    limits=[1],
                    alerts=["MathopsLatencyBudgetBurnsFast"],
                    width=12,
                ),
                Panel(
                    "Duration by route, 99th percentile",
                    "Time from the request to the last byte of the response.",
                    "s",
                    [Query(quantile(0.99, "http_request_duration_seconds", "route"), "{{route}}")],
                    limits=[1],
                    width=12,
                ),
            ],
        ),
        OBJECTIVES,
        Row(
            "Operations",
            [
                Panel(
                    "Operations",
                    "Operation requests per second, by operation.",
                    "ops",
                    [Query(f"sum by (operation) ({rate('mathops_operations_total')})", "{{operation}}")],
                    width=6,
                ),
                Panel(
                    "Outcomes",
                    "`ok` or the problem type.",
                    "ops",
                    [Query(f"sum by (outcome) ({rate('mathops_operations_total')})", "{{outcome}}")],
                    width=6,
                ),
                Panel(
                    "Authentication failures",
                    "Missing or invalid tokens, and failed logins.",
                    "reqps",
                    [Query(f"sum({rate('mathops_authentication_failures_total')})", "rejected")],
                    limits=[10],
                    alerts=["MathopsAuthenticationFailures"],
                    width=6,
                ),
                Panel(
                    "Sign-ins",
                    "Sign-ins of people through external issuers, by outcome.",
                    "reqps",
                    [Query(f"sum by (outcome) ({rate('mathops_sign_ins_total')})", "{{outcome}}")],
                    width=6,
                ),
            ],
        ),
        Row(
            "Instances",
            [
                Panel(
                    "Requests by instance",
                    "Completed requests per second. In Kubernetes the legend names the pod.",
                    "reqps",
                    [Query(f"sum by (pod, instance) ({rate('http_requests_total')})", "{{pod}} {{instance}}")],
                ),
                Panel(
                    "Errors by instance",
                    "Responses with status 5xx per second. An instance without a line has had none.",
                    "reqps",
                    [
                        Query(
                            f"sum by (pod, instance) ({rate('http_requests_total', ERROR)})"
                            f" or 0 * sum by (pod, instance) ({rate('http_requests_total')})",
                            "{{pod}} {{instance}}",
                        )
                    ],
                ),
                Panel(
                    "Duration by instance, 99th percentile",
                    "Time from the request to the last byte of the response.",
                    "s",
                    [Query(quantile(0.99, "http_request_duration_seconds", "pod, instance"), "{{pod}} {{instance}}")],
                    limits=[1],
                ),
            ],
        ),
    ],
)
