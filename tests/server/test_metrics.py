"""The metrics page of a real server."""

import re
from collections.abc import Callable

from tests.support.collector import collecting
from tests.support.server import Server

TRACE = "0af7651916cd43dd8448eb211c80319c"
OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


COUNTERS = {
    'http_requests_total{method="GET",route="/pow",status="200"}': 1,
    'http_requests_total{method="GET",route="unmatched",status="401"}': 1,
    'http_requests_total{method="other",route="/pow",status="401"}': 1,
    'mathops_operations_total{cache="miss",operation="pow",outcome="ok"}': 1,
    "mathops_journal_rows_total": 2,
}


def test_a_request_is_counted_by_route_and_never_by_path(shared_server: Server) -> None:
    server = shared_server
    bearer = server.login()
    before = {name: server.metric(name) for name in COUNTERS}

    server.client.get("/pow?base=1234567&exp=5", headers=bearer)
    server.client.get("/wp-admin/secret.php")
    server.client.request("PROPFIND", "/pow")

    assert {name: server.metric(name) - before[name] for name in COUNTERS} == COUNTERS
    page = server.client.get("/metrics").text
    assert "wp-admin" not in page
    assert "PROPFIND" not in page


def test_an_exemplar_leads_from_a_slow_bucket_to_its_trace(start_server: Callable[..., Server]) -> None:
    with collecting() as collector:
        server = start_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        caller = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        server.client.get("/pow?base=2&exp=5", headers={**server.login(), **caller})

        page = server.client.get("/metrics", headers=OPENMETRICS).text

    bucket = r'^http_request_duration_seconds_bucket\{le="[^"]+",method="GET",route="/pow"\} 1.0 # \{trace_id="(\w+)"\}'
    assert set(re.findall(bucket, page, re.MULTILINE)) == {TRACE}


def test_without_traces_there_is_no_exemplar(shared_server: Server) -> None:
    shared_server.client.get("/pow?base=2&exp=5", headers=shared_server.login())

    assert "trace_id" not in shared_server.client.get("/metrics", headers=OPENMETRICS).text
