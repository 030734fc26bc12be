"""OpenTelemetry traces: the spans of requests and events."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from msgspec import Struct
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mathops import __version__

# Not OTEL_PROPAGATORS: the name of a propagator that is not installed ends a process at import, even without traces.
_propagator = TraceContextTextMapPropagator()
_NO_SPAN = nullcontext()
# The last digit of a traceparent whose lowest flag is set.
_SAMPLED_DIGITS = frozenset("13579bdf")
# Variables that switch tracing on; tracing_setup.py and tracing_variables.py share them.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

# Ids of events with the traceparents stored with them.
EventContexts = Sequence[tuple[str, str | None]]


class _CurrentSpan(AbstractContextManager[Span]):
    """Makes a sampled span the current one and ends it; the SDK's own context manager takes twice as long."""

    __slots__ = ("_token", "context", "span")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.context = trace.set_span_in_context(span, Context())

    def __enter__(self) -> Span:
        self._token = _current.set(self)
        return self.span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_back: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        # Exceptions become responses, and the unexpected ones are logged with their stack.
        if isinstance(error, Exception):
            self.span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        self.span.end()


# Of sampled traces. The SDK's own variable takes ten times as long to read, and each request reads it several times.
_current: ContextVar[_CurrentSpan | None] = ContextVar("current_span", default=None)


class RequestTrace(Struct, frozen=True):
    """The server span of a request; it is recorded only if `sampled`."""

    span: Span
    trace_id: str
    traceparent: str
    sampled: bool

    def current(self) -> AbstractContextManager[Span]:
        """Makes the span the current one for a block, which ends it."""
        return _CurrentSpan(self.span)


class NoTracing:
    """Tracing that is off: the methods of Tracing at almost no cost."""

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[Any]:
        return _NO_SPAN

    def publish_spans(self, topic: str, events: EventContexts) -> AbstractContextManager[list[str | None]]:
        return nullcontext([traceparent for _, traceparent in events])

    def add_child_span(self, name: str, seconds: float, **attributes: Any) -> None: ...
    def add_attributes(self, **attributes: Any) -> None: ...
    def traceparent(self) -> None: ...
    def stop(self, timeout: float) -> None: ...


class Tracing:
    """Spans of one process, recorded and exported by `provider`, an SDK TracerProvider."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer: trace.Tracer = provider.get_tracer("mathops", __version__)

    def server_span(self, name: str, headers: Mapping[str, str]) -> RequestTrace:
        """Start the span of a whole request, child of the caller's `traceparent`."""
        context = _propagator.extract(headers) if headers else Context()
        span = self._tracer.start_span(name, context, SpanKind.SERVER)
        made = span.get_span_context()
        return RequestTrace(span, trace.format_trace_id(made.trace_id), _traceparent(made), span.is_recording())

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[Any]:
        """A span around a piece of work, child of the current span; none without one."""
        if (parent := _current.get()) is None:
            return _NO_SPAN
        return _CurrentSpan(self._tracer.start_span(name, parent.context, attributes=attributes))

    def add_child_span(self, name: str, seconds: float, **attributes: Any) -> None:
        """Record work of `seconds` that another process has just ended, child of the current span.

        The other process may be killed at any moment, therefore it reports durations and this one exports spans.
        """
        if parent := _current.get():
            end = time.time_ns()
            start = end - int(seconds * 1e9)
            self._tracer.start_span(name, parent.context, start_time=start, attributes=attributes).end(end)

    def add_attributes(self, **attributes: Any) -> None:
        """Add attributes to the current span."""
        if current := _current.get():
            current.span.set_attributes(attributes)

    def traceparent(self) -> str | None:
        """The current span as a W3C traceparent; None outside a sampled trace."""
        current = _current.get()
        return _traceparent(current.span.get_span_context()) if current else None

    @contextmanager
    def publish_spans(self, topic: str, events: EventContexts) -> Iterator[list[str | None]]:
        """A PRODUCER span for each event of a sampled trace, child of its stored span; yields the traceparents to send.

        Spans of a failed publish are not exported.
        """
        spans: list[Span] = []
        sent: list[str | None] = []
        for event, traceparent in events:
            if traceparent and _is_sampled(traceparent):
                spans.append(self._publish_span(topic, event, traceparent))
                sent.append(_traceparent(spans[-1].get_span_context()))
            else:
                sent.append(traceparent)
        yield sent
        for span in spans:
            span.end()

    def _publish_span(self, topic: str, event: str, traceparent: str) -> Span:
        context = _propagator.extract({"traceparent": traceparent})
        attributes = {"messaging.system": "kafka", "messaging.destination.name": topic, "messaging.message.id": event}
        return self._tracer.start_span(f"send {topic}", context, SpanKind.PRODUCER, attributes)

    def stop(self, timeout: float) -> None:
        """Export the remaining spans for at most `timeout` seconds."""
        # The SDK's own flush and shutdown have no time limit: a collector that hangs would delay the stop.
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(timeout)


AnyTracing = Tracing | NoTracing
NO_TRACING = NoTracing()


def _is_sampled(traceparent: str) -> bool:
    # int() would raise an exception for a damaged row, and stop the relay.
    return traceparent[-1:] in _SAMPLED_DIGITS


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
