"""A server span around each request; listed only when traces are on."""

from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.telemetry import tracing
from mathops.web.exchange import exchange_of


class Tracing:
    """Continues the caller's trace, or begins one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with tracing.server_span(scope["method"], headers) as span:
            await self.app(scope, receive, send)
            exchange = exchange_of(scope)
            tracing.finish_server_span(
                span, scope["method"], exchange.route or "unmatched", scope["path"], exchange.status
            )
