"""Counts requests and times them, by route template and never by raw path."""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.telemetry import metrics
from mathops.web.context import context_of

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_CLOSED_REQUEST = 499


class Metrics:
    """Observes every answer, refusals included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        context = context_of(scope)
        try:
            await self.app(scope, receive, send)
        finally:
            # Methods come from the caller, and each new label value would be kept for ever.
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = context.route or "unmatched"
            metrics.cached_labels(metrics.HTTP_REQUESTS, method, route, context.status or CLIENT_CLOSED_REQUEST).inc()
            metrics.cached_labels(metrics.HTTP_DURATION, method, route).observe(
                time.perf_counter() - context.started, context.resources.tracing.exemplar()
            )
            if context.operation is not None:
                metrics.cached_labels(
                    metrics.OPERATIONS,
                    context.operation.name,
                    context.problem or "ok",
                    context.cache or "none",
                ).inc()
