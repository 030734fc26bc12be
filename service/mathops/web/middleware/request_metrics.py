"""Counts and times requests by route template, because raw paths are unbounded."""

import time

from starlette.types import Receive, Scope, Send

from mathops.telemetry import metrics
from mathops.web.context import HttpMiddleware, context_of

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_CLOSED_REQUEST = 499


class RequestMetrics(HttpMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        try:
            await self.app(scope, receive, send)
        finally:
            # Callers choose the method, and each new label value would be kept forever.
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = context.endpoint.path if context.endpoint is not None else "unmatched"
            metrics.cached_labels(metrics.HTTP_REQUESTS, method, route, context.status or CLIENT_CLOSED_REQUEST).inc()
            duration, trace = time.perf_counter() - context.started, context.trace
            exemplar = {"trace_id": trace.trace_id} if trace and trace.sampled else None
            metrics.cached_labels(metrics.HTTP_DURATION, method, route).observe(duration, exemplar)
            if context.operation is not None:
                labels = context.operation.name, context.problem or "ok", context.cache or "none"
                metrics.cached_labels(metrics.OPERATIONS, *labels).inc()
