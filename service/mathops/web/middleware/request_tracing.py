"""A server span for each request, by OpenTelemetry's HTTP conventions; installed only when tracing is on."""

from collections.abc import Awaitable
from typing import Any

from opentelemetry.trace import StatusCode
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.telemetry.logs import trace_id
from mathops.telemetry.tracing import RequestTrace, Tracing
from mathops.web.context import MAX_PATH_CHARACTERS, HttpMiddleware, RequestContext, context_of
from mathops.web.endpoint import shown_query
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST, METHODS


class RequestTracing(HttpMiddleware):
    """Continues the caller's trace or begins one."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        super().__init__(app)
        self.tracing = tracing

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context = context_of(scope)
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        name = f"{method} {context.endpoint.path}" if context.endpoint else method
        trace = context.trace = self.tracing.server_span(name, _trace_context(context))
        trace_id.set(trace.trace_id)
        # A request that is not sampled needs no attributes, which cost more than everything else here.
        return self._record(trace, scope, receive, send) if trace.sampled else self.app(scope, receive, send)

    async def _record(self, trace: RequestTrace, scope: Scope, receive: Receive, send: Send) -> None:
        with trace.current() as span:
            try:
                await self.app(scope, receive, send)
            finally:
                context = context_of(scope)
                status = context.status or CLIENT_CLOSED_REQUEST
                span.set_attributes(_attributes(scope, context, status))
                if status >= 500:
                    span.set_status(StatusCode.ERROR)


def _trace_context(context: RequestContext) -> dict[str, str]:
    """The caller's headers of W3C Trace Context; empty without traceparent."""
    traceparent = context.header(b"traceparent")
    if traceparent is None:
        return {}
    return {"traceparent": traceparent, "tracestate": context.header(b"tracestate") or ""}


def _attributes(scope: Scope, context: RequestContext, status: int) -> dict[str, Any]:
    known = scope["method"] in METHODS
    optional = {
        "http.request.method_original": "" if known else scope["method"],
        "http.route": context.endpoint and context.endpoint.path,
        "url.query": shown_query(scope).decode("latin-1"),
        "user_agent.original": context.header(b"user-agent"),
        "client.address": (scope.get("client") or [""])[0],
        "mathops.cache": context.cache,
        "mathops.problem": context.problem,
        "error.type": (context.problem or str(status)) if status >= 500 else "",
    }
    return {
        "http.request.method": scope["method"] if known else "_OTHER",
        "http.response.status_code": status,
        "network.protocol.version": scope["http_version"],
        "url.scheme": scope["scheme"],
        "url.path": context.path,
        "mathops.request_id": context.request_id,
        **{name: value[:MAX_PATH_CHARACTERS] for name, value in optional.items() if value},
    }
