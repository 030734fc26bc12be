"""OpenTelemetry traces, by the standard OTEL_* variables; off by default and then free.

On when OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER=otlp is set.
"""

import os
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mathops import __version__
from mathops.errors import StartupError
from mathops.telemetry import span_ids
from mathops.telemetry.span_ids import SpanIds

PROTOCOL = "http/protobuf"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

# Not OTEL_PROPAGATORS: naming one that is not installed there ends a process at import, traces or none.
_traceparent = TraceContextTextMapPropagator()
_NOTHING: AbstractContextManager[None] = nullcontext()
_state: dict[str, Any] = {"tracer": None, "provider": None}


def requested(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the OTEL_* variables ask for traces."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    return exporter != "" or any(environ.get(name) for name in _ENDPOINTS)


def check(environ: Mapping[str, str] = os.environ) -> None:
    """Raise StartupError when traces are asked for in a way that would send none."""
    if not requested(environ):
        return
    exporter = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter != "otlp":
        raise StartupError(f"OTEL_TRACES_EXPORTER: write otlp or none, not {exporter!r}")
    for name in _PROTOCOLS:
        if (protocol := environ.get(name) or PROTOCOL) != PROTOCOL:
            raise StartupError(f"{name}: write {PROTOCOL}, which collectors take on port 4318, not {protocol!r}")
    for name in _ENDPOINTS:
        if (endpoint := environ.get(name)) and not endpoint.startswith(("http://", "https://")):
            raise StartupError(f"{name}: write a URL such as http://collector:4318, not {endpoint!r}")


def start() -> None:
    """Set up this process's exporter; called after fork, for threads do not survive one."""
    # The SDK is 60 ms of imports, which a service without traces need not pay.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, for they are the operator's.
    ours = Resource.create({"service.name": "mathops", "service.version": __version__, "process.pid": os.getpid()})
    # The SDK asks for its own class, and only calls these methods.
    ids: Any = SpanIds(RandomIdGenerator())
    resource = ours.merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    set_provider(provider)


def set_provider(provider: Any) -> None:
    """Trace with `provider` (an SDK TracerProvider), or not at all (None)."""
    _state["provider"] = provider
    _state["tracer"] = provider.get_tracer("mathops", __version__) if provider else None


def stop(timeout: float) -> None:
    """Send what is left, for at most `timeout` seconds, and switch off."""
    provider = _state["provider"]
    set_provider(None)
    if provider is not None:
        # The SDK's own flush and shutdown keep to no time limit: a collector that hangs would hold up the stop.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(timeout)


def enabled() -> bool:
    """Whether traces are on in this process."""
    return _state["tracer"] is not None


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span around a piece of work, child of the current one."""
    tracer = _state["tracer"]
    if tracer is None:
        return _NOTHING
    # Errors here are answers to the caller; those that are faults are logged with their stack.
    current: AbstractContextManager[Any] = tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False
    )
    return current


def server_span(name: str, headers: Mapping[str, str], attributes: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """The span of a whole request, child of the caller's `traceparent`; `attributes` may decide on sampling."""
    current: AbstractContextManager[Any] = _state["tracer"].start_as_current_span(
        name, context=_traceparent.extract(headers), kind=SpanKind.SERVER, attributes=attributes
    )
    return current


def add_child_span(name: str, seconds: float, **attributes: Any) -> None:
    """Record work of `seconds` that another process has just ended, child of the current span.

    The other process may be killed at any moment, so it reports times and this one exports.
    """
    tracer = _state["tracer"]
    if tracer is None:
        return
    end = time.time_ns()
    tracer.start_span(name, start_time=end - int(seconds * 1e9), attributes=attributes).end(end)


def append_span(event_id: str) -> AbstractContextManager[Any]:
    """A span around the storing of an event, which the span that publishes it continues."""
    if _state["tracer"] is None:
        return _NOTHING
    _choose(span_ids.of_append(event_id))
    return span("journal append")


def record_publish(topic: str, trace_id: str, event_id: str, started: int) -> None:
    """Record that an event of a trace was published between `started` (nanoseconds since the epoch) and now."""
    tracer = _state["tracer"]
    if tracer is None or not _sampled(int(trace_id, 16)):
        return
    stored = SpanContext(
        int(trace_id, 16), span_ids.of_append(event_id), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    _choose(span_ids.of_publish(event_id))
    tracer.start_span(
        f"send {topic}",
        context=trace.set_span_in_context(NonRecordingSpan(stored)),
        kind=SpanKind.PRODUCER,
        start_time=started,
        attributes={"messaging.system": "kafka", "messaging.destination.name": topic, "messaging.message.id": event_id},
    ).end()


def traceparent(trace_id: str, event_id: str) -> str:
    """The W3C traceparent of the span that publishes an event."""
    flags = "01" if enabled() and _sampled(int(trace_id, 16)) else "00"
    return f"00-{trace_id}-{span_ids.of_publish(event_id):016x}-{flags}"


def _choose(span_id: int) -> None:
    ids = getattr(_state["provider"], "id_generator", None)
    if isinstance(ids, SpanIds):
        ids.choose(span_id)


def _sampled(trace_id: int) -> bool:
    """What the sampler says of a trace as a whole: the journal keeps ids and no decisions."""
    return bool(_state["provider"].sampler.should_sample(None, trace_id, "").decision.is_sampled())


def current_trace_id(*, sampled: bool = False) -> str | None:
    """The current trace id in 32 hex digits, if traces are on and a span is open (and, where asked, `sampled`)."""
    if _state["tracer"] is None:
        return None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid or (sampled and not context.trace_flags.sampled):
        return None
    return trace.format_trace_id(context.trace_id)
