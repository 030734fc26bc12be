"""A server span for each request, by OpenTelemetry's HTTP conventions; installed only when tracing is on."""

from typing import Any

from opentelemetry.trace import Span, StatusCode
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.telemetry.tracing import Tracing
from mathops.web.context import MAX_PATH_CHARACTERS, HttpMiddleware, RequestContext
from mathops.web.endpoint import shown_query
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST, METHODS

# The trace context, and an attribute.
_HEADERS = {b"traceparent", b"tracestate", b"user-agent"}


class RequestTracing(HttpMiddleware):
    """Continues the caller's trace or begins one."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        super().__init__(app)
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS}
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        with self.tracing.server_span(method, headers, _request(scope, headers)) as span:
            try:
                await self.app(scope, receive, send)
            finally:
                if context := scope.get("context"):
                    _finish(span, method, context)


def _request(scope: Scope, headers: dict[str, str]) -> dict[str, Any]:
    """Attributes known before the request is processed; samplers see them."""
    known = scope["method"] in METHODS
    optional = {
        "http.request.method_original": "" if known else scope["method"],
        "url.query": shown_query(scope).decode("latin-1"),
        "user_agent.original": headers.get("user-agent", ""),
        "client.address": (scope.get("client") or [""])[0],
    }
    return {
        "http.request.method": scope["method"] if known else "_OTHER",
        "url.scheme": scope["scheme"],
        "url.path": scope["path"][:MAX_PATH_CHARACTERS],
        "network.protocol.version": scope["http_version"],
        **{name: value[:MAX_PATH_CHARACTERS] for name, value in optional.items() if value},
    }


def _finish(span: Span, method: str, context: RequestContext) -> None:
    """Name the span by its route and add the outcome."""
    if not span.is_recording():
        return
    status = context.status or CLIENT_CLOSED_REQUEST
    attributes = {
        "http.response.status_code": status,
        "http.route": context.endpoint and context.endpoint.path,
        "mathops.request_id": context.request_id,
        "mathops.cache": context.cache,
        "mathops.problem": context.problem,
    }
    if context.endpoint:
        span.update_name(f"{method} {context.endpoint.path}")
    if status >= 500:
        attributes["error.type"] = context.problem or str(status)
        span.set_status(StatusCode.ERROR)
    span.set_attributes({name: value for name, value in attributes.items() if value})
