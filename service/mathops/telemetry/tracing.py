"""OpenTelemetry traces, by the standard OTEL_* variables; off by default and then free.

On when OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER=otlp is set.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from mathops import __version__

_NOTHING: AbstractContextManager[None] = nullcontext()
_state: dict[str, Any] = {"tracer": None, "provider": None}


def requested(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the OTEL_* variables ask for traces."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return environ.get("OTEL_TRACES_EXPORTER") == "otlp" or any(
        environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def start() -> None:
    """Set up this process's exporter; called after fork, for threads do not survive one."""
    # The SDK is 60 ms of imports, which a service without traces need not pay.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "mathops")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: Any) -> None:
    """Trace with `provider` (an SDK TracerProvider), or not at all (None)."""
    _state["provider"] = provider
    _state["tracer"] = provider.get_tracer("mathops", __version__) if provider else None


def stop(timeout: float) -> None:
    """Send what is left, for at most `timeout` seconds, and switch off."""
    provider = _state["provider"]
    use(None)
    if provider is not None:
        provider.force_flush(int(timeout * 1000))
        provider.shutdown()


def enabled() -> bool:
    """Whether traces are on in this process."""
    return _state["tracer"] is not None


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span around a piece of work, child of the current one."""
    tracer = _state["tracer"]
    if tracer is None:
        return _NOTHING
    current: AbstractContextManager[Any] = tracer.start_as_current_span(name, attributes=attributes)
    return current


@contextmanager
def server_span(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """The span of a whole request, child of the caller's `traceparent`."""
    with _state["tracer"].start_as_current_span(
        method, context=propagate.extract(headers), kind=SpanKind.SERVER
    ) as current:
        yield current


def finish_server_span(current: Span, method: str, route: str, path: str, status: int) -> None:
    """Name the span by the HTTP semantic conventions."""
    current.update_name(f"{method} {route}")
    current.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "url.path": path,
            "http.response.status_code": status,
        }
    )
    if status >= 500:
        current.set_status(StatusCode.ERROR)


def elsewhere(name: str, seconds: float, **attributes: Any) -> None:
    """Record work of `seconds` that another process has just ended, child of the current span.

    The other process may be killed at any moment, so it reports times and this one exports.
    """
    tracer = _state["tracer"]
    if tracer is None:
        return
    end = time.time_ns()
    tracer.start_span(name, start_time=end - int(seconds * 1e9), attributes=attributes).end(end)


def current_trace_id() -> str | None:
    """The current trace id in 32 hex digits, if traces are on and a span is open."""
    if _state["tracer"] is None:
        return None
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def current_traceparent() -> str | None:
    """The W3C traceparent of the current span, if any."""
    if _state["tracer"] is None:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
