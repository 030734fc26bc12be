"""The application: routes, and the middleware in its one order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.errors import MathopsError
from mathops.operations import OPERATIONS, Operation
from mathops.settings import Settings
from mathops.telemetry.tracing import NO_TRACING, AnyTracing, Tracing
from mathops.web.middleware.authentication import Authentication
from mathops.web.middleware.error_handling import Problems
from mathops.web.middleware.http_caching import Caching
from mathops.web.middleware.journaling import Journaling
from mathops.web.middleware.rate_limiting import RateLimit
from mathops.web.middleware.request_context import RequestContextMiddleware
from mathops.web.middleware.request_limits import Limits
from mathops.web.middleware.request_metrics import Metrics
from mathops.web.middleware.request_tracing import RequestTracing
from mathops.web.problems import as_mathops_error, problem_response
from mathops.web.resources import OpenResources
from mathops.web.routes import ExactPaths, routes

MATH = "math"
HISTORY = "history"


class Application:
    """ASGI application: requests go through the middleware, lifespan and all else to Starlette."""

    def __init__(self, starlette: Starlette, http: ASGIApp, state: SimpleNamespace) -> None:
        self.state = state
        self._starlette = starlette
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await (self._http if scope["type"] == "http" else self._starlette)(scope, receive, send)


def create_app(
    settings: Settings,
    resources: OpenResources,
    operations: Sequence[Operation] = OPERATIONS,
    tracing: AnyTracing = NO_TRACING,
) -> Application:
    """Wire the application; `resources` is entered when it starts and left when it stops."""
    table = routes(operations)
    by_path = {path: operation for operation in operations for path in operation.paths}
    state = SimpleNamespace()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with resources(settings) as state.resources:
            yield

    starlette = Starlette(
        routes=table, exception_handlers={HTTPException: _problem, MathopsError: _problem}, lifespan=lifespan
    )
    # A redirect would be made from the caller's Host field; a path that is not ours is 404.
    starlette.router.redirect_slashes = False
    outermost_first = [
        *([Middleware(RequestTracing, tracing=tracing)] if isinstance(tracing, Tracing) else []),
        Middleware(
            RequestContextMiddleware, state=state, templates={route.path for route in table}, operations=by_path
        ),
        Middleware(Metrics),
        Middleware(Limits, settings=settings),
        Middleware(Journaling, longest=settings.record_digits),
        Middleware(Problems),
        Middleware(Authentication, scopes={**dict.fromkeys(by_path, MATH), "/history": HISTORY}),
        *([Middleware(RateLimit)] if settings.quota_requests else []),
        Middleware(Caching),
        Middleware(ExactPaths, routes=table),
    ]
    http: ASGIApp = starlette
    for middleware, arguments, keywords in reversed(outermost_first):
        # Bound, for CPython calls a method faster than an instance.
        http = middleware(http, *arguments, **keywords).__call__
    return Application(starlette, http, state)


async def _problem(request: Request, error: Exception) -> Response:
    return problem_response(as_mathops_error(error, request.scope), request.scope)
