import threading
import time
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, ParentBasedTraceIdRatio, Sampler
from opentelemetry.trace import SpanKind, TraceFlags

from mathops.telemetry.tracing import NO_TRACING, Tracing
from tests.conftest import World
from tests.unit.telemetry.operations import FAILING

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def traced_world(tracing: Tracing, make_world: Callable[..., World]) -> World:
    return make_world(operations=[FAILING], tracing=tracing)


def server_span(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = (span for span in spans.get_finished_spans() if span.kind == SpanKind.SERVER)
    return span


def traceparent(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def test_without_traces_a_request_has_no_trace_id(world: World) -> None:
    response = world.get("/pow", traceparent=CALLER)

    assert "trace_id" not in response.json()
    (record,) = world.journal.records
    assert record.trace_id is record.traceparent is None


def test_an_error_marks_the_span_with_its_problem(traced_world: World, spans: InMemorySpanExporter) -> None:
    assert traced_world.get("/fail?n=13").status_code == 500

    span = server_span(spans)
    assert not span.status.is_ok
    assert span.attributes is not None
    assert span.attributes["error.type"] == span.attributes["mathops.problem"] == "internal-error"


def test_an_unknown_path_and_method_make_no_new_span_name(traced_world: World, spans: InMemorySpanExporter) -> None:
    traced_world.client.request("BREW", "/coffee/" + "x" * 1000)

    span = server_span(spans)
    assert span.name == "HTTP"
    assert span.attributes is not None
    assert "http.route" not in span.attributes
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"
    assert len(str(span.attributes["url.path"])) == 256


def test_a_malformed_traceparent_begins_a_new_trace(traced_world: World, spans: InMemorySpanExporter) -> None:
    traced_world.get("/livez", traceparent="00-zz-zz-01")

    assert server_span(spans).parent is None


@pytest.mark.parametrize("flags", ["00", "01"])
def test_the_record_holds_the_context_of_the_span_that_stores_it(
    traced_world: World, spans: InMemorySpanExporter, flags: str
) -> None:
    traced_world.get("/fail?n=1", traceparent=CALLER[:-2] + flags)

    (record,) = traced_world.journal.records
    assert record.trace_id == TRACE
    assert record.traceparent is not None
    assert record.traceparent.endswith(f"-{flags}")
    stored = [traceparent(span) for span in spans.get_finished_spans() if span.name == "journal commit"]
    assert stored == ([record.traceparent] if flags == "01" else [])


def test_work_of_another_process_is_a_child_that_ends_now(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    with tracing.server_span("outer", {}).current():
        tracing.add_child_span("inner", 0.25, kind="remote")

    inner, outer = spans.get_finished_spans()
    assert inner.parent == outer.context
    assert inner.attributes == {"kind": "remote"}
    assert inner.start_time is not None
    assert inner.end_time is not None
    assert inner.end_time - inner.start_time == 250_000_000


def test_work_outside_a_request_has_no_span(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    with tracing.span("cache"):
        tracing.add_child_span("inner", 0.25)
        assert tracing.traceparent() is None

    assert spans.get_finished_spans() == ()


def test_a_request_that_is_not_sampled_has_ids_and_no_spans(
    make_world: Callable[..., World], spans: InMemorySpanExporter
) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    world = make_world(operations=[FAILING], tracing=Tracing(provider))

    problem = world.get("/fail?n=13").json()

    (record,) = world.journal.records
    assert record.trace_id == problem["trace_id"]
    assert record.traceparent is not None
    assert record.traceparent.startswith(f"00-{record.trace_id}-")
    assert not int(record.traceparent[-2:], 16) & TraceFlags.SAMPLED
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(
    "sampler",
    [DEFAULT_ON, ParentBasedTraceIdRatio(0), ParentBasedTraceIdRatio(1)],
    ids=["default", "ratio 0", "ratio 1"],
)
@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_publish_span_continues_the_stored_context_with_its_sampling_flag(
    spans: InMemorySpanExporter, sampler: Sampler, flags: str
) -> None:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    stored = CALLER[:-2] + flags

    with Tracing(provider).publish_spans("math-requests", [("an-id", stored), ("untraced", None)]) as headers:
        assert spans.get_finished_spans() == ()

    sent, untraced = headers
    assert untraced is None
    assert sent is not None
    assert sent.startswith(f"00-{TRACE}-")
    assert sent.endswith(f"-{flags}")
    published = spans.get_finished_spans()
    assert [traceparent(span) for span in published] == ([sent] if flags == "01" else [])
    for span in published:
        assert (span.name, span.kind) == ("send math-requests", SpanKind.PRODUCER)
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
        assert span.attributes is not None
        assert span.attributes["messaging.message.id"] == "an-id"


@pytest.mark.parametrize("stored", ["", "nonsense", "00-zz-zz-01"])
def test_the_context_of_a_damaged_row_does_not_stop_the_relay(tracing: Tracing, stored: str) -> None:
    with tracing.publish_spans("math-requests", [("an-id", stored), ("another", CALLER)]) as headers:
        assert headers[1] is not None
        assert headers[1].startswith(f"00-{TRACE}-")


def test_a_failed_publish_exports_no_span(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    with pytest.raises(ConnectionError), tracing.publish_spans("math-requests", [("an-id", CALLER)]):
        raise ConnectionError

    assert spans.get_finished_spans() == ()


def test_without_tracing_the_stored_traceparent_is_sent() -> None:
    with NO_TRACING.publish_spans("math-requests", [("an-id", CALLER), ("untraced", None)]) as headers:
        assert headers == [CALLER, None]


def test_a_stop_waits_no_longer_than_its_timeout() -> None:
    released = threading.Event()

    class Stuck(SpanProcessor):
        def shutdown(self) -> None:
            released.wait()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Stuck())

    began = time.monotonic()
    Tracing(provider).stop(0.2)

    assert 0.2 <= time.monotonic() - began < 5
    released.set()
