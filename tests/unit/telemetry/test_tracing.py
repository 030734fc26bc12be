import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

from mathops.errors import StartupError
from mathops.telemetry import metrics, tracing
from tests.conftest import World
from tests.unit.telemetry.operations import FAILING

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced_world(
    monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter, make_world: Callable[..., World]
) -> World:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    return make_world(operations=[FAILING])


def server_span(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = (span for span in spans.get_finished_spans() if span.kind == SpanKind.SERVER)
    return span


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "mathops"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
    ],
)
def test_the_standard_variables_switch_traces_on_and_off(variables: dict[str, str], *, wanted: bool) -> None:
    assert tracing.requested(variables) is wanted


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"},
    ],
)
def test_what_can_be_sent_or_is_off_starts(variables: dict[str, str]) -> None:
    tracing.check(variables)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    ],
)
def test_what_could_not_be_sent_is_an_error_that_names_the_variable(variables: dict[str, str], named: str) -> None:
    with pytest.raises(StartupError, match=f"^{named}: "):
        tracing.check(variables)


def test_a_service_without_traces_never_loads_the_exporter() -> None:
    script = (
        "import sys, mathops.server.web_worker, mathops.bootstrap;"
        "print(any(name.startswith(('opentelemetry.sdk.trace', 'opentelemetry.exporter')) for name in sys.modules))"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout == "False\n"


def test_a_propagator_that_is_not_installed_does_no_harm() -> None:
    script = "from mathops.telemetry import tracing; tracing.start(); tracing.stop(0)"

    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OTEL_PROPAGATORS": "b3"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_without_traces_a_request_has_no_trace_id(world: World) -> None:
    answer = world.get("/pow", traceparent=CALLER)

    assert "trace_id" not in answer.json()
    assert world.journal.records[0].trace_id is None


def test_a_fault_marks_the_span_with_its_problem(traced_world: World, spans: InMemorySpanExporter) -> None:
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


def test_work_done_elsewhere_is_a_child_that_ends_now(spans: InMemorySpanExporter) -> None:
    with tracing.span("outer"):
        tracing.add_child_span("inner", 0.25, kind="remote")

    inner, outer = spans.get_finished_spans()
    assert inner.parent == outer.context
    assert inner.attributes == {"kind": "remote"}
    assert inner.start_time is not None
    assert inner.end_time is not None
    assert inner.end_time - inner.start_time == 250_000_000


def test_an_exemplar_names_only_a_trace_that_is_kept(spans: InMemorySpanExporter) -> None:
    with tracing.span("kept"):
        assert metrics.exemplar() == {"trace_id": tracing.current_trace_id()}
    tracing.set_provider(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    with tracing.span("dropped"):
        assert tracing.current_trace_id()
        assert metrics.exemplar() is None


def test_a_stop_waits_for_its_time_and_no_longer() -> None:
    released = threading.Event()

    class Stuck(SpanProcessor):
        def shutdown(self) -> None:
            released.wait()

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Stuck())
    tracing.set_provider(provider)

    began = time.monotonic()
    tracing.stop(0.2)

    assert 0.2 <= time.monotonic() - began < 5
    assert tracing.current_trace_id() is None
    released.set()
