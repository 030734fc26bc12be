"""All services together: the same responses as without them, and one trace from the caller to the event."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.services import jaeger
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.integration.services.postgres import database_url
from tests.support.server import Server, eventually

pytestmark = pytest.mark.timeout(180)

TARGETS = (
    "/pow?base=2&exp=5",
    "/pow?base=-3&exp=12001",
    "/pow?base=2&exp=5",
    "/fib?n=50000",
    "/fact?n=3000",
    "/pow?base=0&exp=0",
    "/pow?base=2&exp=-1",
    "/fib?n=1000000000000",
    "/nothing",
)
# Headers that differ between responses.
VOLATILE = {"date", "x-request-id", "server-timing"}


@pytest.fixture
def full_stack(
    redis_container: Container, redis: object, postgres_container: Container, kafka: Kafka, topic: str
) -> dict[str, str]:
    return {
        "MATHOPS_REDIS_URL": f"redis://127.0.0.1:{redis_container.port(6379)}/0",
        "MATHOPS_DATABASE_URL": database_url(postgres_container, uuid.uuid4().hex),
        "MATHOPS_KAFKA_BROKERS": kafka.brokers,
        "MATHOPS_KAFKA_TOPIC": topic,
    }


@pytest.fixture(scope="session")
def collector() -> Iterator[Container]:
    container = jaeger.start()
    yield container
    container.remove()


def answers(server: Server) -> list[tuple[int, dict[str, str], bytes]]:
    token = {**server.login(), "X-Request-ID": "same"}
    found = []
    for form in ("application/json", "text/plain"):
        for target in TARGETS:
            answer = server.client.get(target, headers={**token, "Accept": form})
            fields = {name: value for name, value in answer.headers.items() if name not in VOLATILE}
            found.append((answer.status_code, fields, answer.content))
    return found


def test_the_full_stack_gives_byte_equal_responses(tmp_path: Path, full_stack: dict[str, str]) -> None:
    servers = []
    for name, variables in (("embedded", {}), ("full", full_stack)):
        (tmp_path / name).mkdir()
        servers.append(Server(tmp_path / name, variables))
    try:
        embedded, full = (answers(server.start()) for server in servers)
    finally:
        for server in servers:
            server.kill()

    assert full == embedded


def test_one_trace_leads_from_the_request_through_cache_worker_and_journal_to_the_event(
    start_server: Callable[..., Server], full_stack: dict[str, str], collector: Container, kafka: Kafka, topic: str
) -> None:
    endpoint = jaeger.endpoint(collector)
    server = start_server(**full_stack, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200")
    trace_id = uuid.uuid4().hex
    headers = {**server.login(), "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    assert server.client.get("/fib?n=100000", headers=headers).status_code == 200

    def complete() -> dict[str, Any] | None:
        found = jaeger.spans(collector, trace_id)
        return found if f"send {topic}" in found and "GET /fib" in found else None

    found = eventually(complete, 60)

    parents = {name: _parent(span, found) for name, span in found.items()}
    assert parents["cache"] == parents["rate_limits"] == "GET /fib"
    assert parents["compute"] == "GET /fib"
    assert parents["compute in process"] == "compute"
    assert parents["journal commit"] == "GET /fib"
    assert parents[f"send {topic}"] == "journal commit"
    (event,) = kafka.events(topic)
    assert json.loads(event.value)["trace_id"] == trace_id
    assert event.headers["traceparent"].decode() == f"00-{trace_id}-{found[f'send {topic}']['spanID']}-01"


def test_an_unsampled_trace_reaches_consumers_unsampled_and_without_spans(
    start_server: Callable[..., Server], full_stack: dict[str, str], collector: Container, kafka: Kafka, topic: str
) -> None:
    endpoint = jaeger.endpoint(collector)
    server = start_server(**full_stack, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200")
    bearer = server.login()
    trace_ids = {flags: uuid.uuid4().hex for flags in ("00", "01")}
    for flags, trace_id in trace_ids.items():
        headers = {**bearer, "traceparent": f"00-{trace_id}-00f067aa0ba902b7-{flags}"}
        assert server.client.get("/pow?base=2&exp=5", headers=headers).status_code == 200

    # The sampled trace came later: once it is complete, the unsampled one would be there too.
    eventually(lambda: f"send {topic}" in jaeger.spans(collector, trace_ids["01"]), 60)

    assert jaeger.spans(collector, trace_ids["00"]) == {}
    sent = {json.loads(event.value)["trace_id"]: event.headers["traceparent"].decode() for event in kafka.events(topic)}
    stored = {json.loads(event.value)["trace_id"]: json.loads(event.value) for event in kafka.events(topic)}
    for flags, trace_id in trace_ids.items():
        assert sent[trace_id].startswith(f"00-{trace_id}-")
        assert sent[trace_id].endswith(f"-{flags}")
        # A span of the event only of the sampled one.
        assert (stored[trace_id]["traceparent"] == sent[trace_id]) is (flags == "00")


def _parent(span: dict[str, Any], spans: dict[str, Any]) -> str | None:
    names = {other["spanID"]: name for name, other in spans.items()}
    return next((names.get(reference["spanID"]) for reference in span["references"]), None)
