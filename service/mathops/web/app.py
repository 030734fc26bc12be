"""The ASGI application: routes, and the middleware in its order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware

from mathops.operations import OPERATIONS, Operation
from mathops.settings import Settings
from mathops.telemetry.logs import is_text
from mathops.telemetry.tracing import NO_TRACING, AnyTracing, Tracing
from mathops.web.context import OpenResources
from mathops.web.endpoint import Endpoint
from mathops.web.endpoints.documents import Documents
from mathops.web.middleware.access_log import AccessLog
from mathops.web.middleware.authentication import Authentication
from mathops.web.middleware.cross_origin_requests import CrossOriginRequests
from mathops.web.middleware.error_handling import ErrorHandling, raise_mathops_error
from mathops.web.middleware.journaling import Journaling
from mathops.web.middleware.rate_limiting import RateLimiting
from mathops.web.middleware.request_context import RequestContextMiddleware
from mathops.web.middleware.request_limits import RequestLimits
from mathops.web.middleware.request_metrics import RequestMetrics
from mathops.web.middleware.request_tracing import RequestTracing
from mathops.web.middleware.trusted_proxies import TrustedProxies
from mathops.web.routes import ExactPaths, routes


def create_app(
    settings: Settings,
    resources: OpenResources,
    operations: Sequence[Operation] = OPERATIONS,
    tracing: AnyTracing = NO_TRACING,
    trusted_proxies: str = "",
) -> Starlette:
    """The application; its lifespan opens and closes `resources`.

    `trusted_proxies` are addresses and networks separated by commas, or * for any.
    """
    endpoints = routes(operations, settings.metrics_scope)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with resources(settings) as app.state.resources:
            yield

    middleware = _middleware(settings, endpoints, tracing, trusted_proxies)
    handlers = {HTTPException: raise_mathops_error}
    app = Starlette(routes=endpoints, middleware=middleware, exception_handlers=handlers, lifespan=lifespan)
    # A redirect would contain the caller's Host header.
    app.router.redirect_slashes = False
    stack = app.build_middleware_stack()
    # ErrorHandling renders every exception; Starlette's outermost middleware would only cost time.
    assert isinstance(stack, ServerErrorMiddleware)
    app.middleware_stack = stack.app
    app.state.documents = Documents(endpoints)
    return app


def _middleware(
    settings: Settings, endpoints: Sequence[Endpoint], tracing: AnyTracing, trusted_proxies: str
) -> list[Middleware]:
    """Outermost first."""
    origins = settings.allowed_origins
    return [
        *([Middleware(TrustedProxies, trusted=trusted_proxies)] if trusted_proxies else []),
        Middleware(RequestContextMiddleware, endpoints=endpoints, root_path=settings.root_path),
        *([Middleware(RequestTracing, tracing=tracing)] if isinstance(tracing, Tracing) else []),
        Middleware(RequestMetrics),
        *([Middleware(AccessLog)] if is_text(settings.log_format) else []),
        *([Middleware(CrossOriginRequests, origins=origins, endpoints=endpoints)] if origins else []),
        Middleware(Journaling),
        Middleware(ErrorHandling),
        Middleware(RequestLimits),
        Middleware(Authentication),
        *([Middleware(RateLimiting)] if settings.quota_requests else []),
        Middleware(ExactPaths),
    ]
