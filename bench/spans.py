"""Processor time of the SDK for the spans of one request, without the service: the lower bound of tracing.

A sampled request has a server span with ten attributes and a span of its commit with one, and both are encoded for the
collector; one that is not sampled has a span that is not recorded.
"""

import statistics
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind

REQUESTS = 4096
BATCH = 512
ROUNDS = 7
ATTRIBUTES = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "http.route": "/pow",
    "url.scheme": "http",
    "url.path": "/pow",
    "url.query": "base=2&exp=5",
    "network.protocol.version": "1.1",
    "client.address": "127.0.0.1",
    "mathops.cache": "hit",
    "mathops.request_id": "01a20f6c-6779-76a1-a46f-cc63d84e71d5",
}


def sampled(tracer: trace.Tracer) -> list[Any]:
    """The spans of one request."""
    server = tracer.start_span("GET /pow", Context(), SpanKind.SERVER)
    commit = tracer.start_span("journal commit", trace.set_span_in_context(server, Context()))
    commit.set_attributes({"mathops.journal.transaction_seconds": 0.001})
    commit.end()
    server.set_attributes(ATTRIBUTES)
    server.end()
    return [server, commit]


def main() -> None:
    """Print the table."""
    recording = TracerProvider(shutdown_on_exit=False).get_tracer("mathops")
    dropping = TracerProvider(ParentBased(ALWAYS_OFF), shutdown_on_exit=False).get_tracer("mathops")
    costs: dict[str, list[float]] = {"record two spans": [], "encode them": [], "start a span that is not sampled": []}
    for _ in range(ROUNDS):
        started = time.process_time()
        spans = [span for _ in range(REQUESTS) for span in sampled(recording)]
        recorded = time.process_time()
        for first in range(0, len(spans), BATCH):
            encode_spans(spans[first : first + BATCH]).SerializeToString()
        encoded = time.process_time()
        for _ in range(REQUESTS):
            dropping.start_span("GET /pow", Context(), SpanKind.SERVER)
        ended = time.process_time()
        for name, seconds in zip(costs, (recorded - started, encoded - recorded, ended - encoded), strict=True):
            costs[name].append(seconds / REQUESTS * 1e6)
    print("| per request | processor µs |")
    print("|---|---:|")
    for name, microseconds in costs.items():
        print(f"| {name} | {statistics.median(microseconds):.1f} |")


if __name__ == "__main__":
    main()
