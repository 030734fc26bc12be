"""The routes: one line each."""

from collections.abc import Awaitable, Sequence

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.operations import Operation
from mathops.web.endpoints import health
from mathops.web.endpoints.documents import Documents, event_schema_document, index, problem_page
from mathops.web.endpoints.history_page import history
from mathops.web.endpoints.login import key_set, login, logout
from mathops.web.endpoints.operation_endpoint import OperationEndpoint
from mathops.web.openapi import document


def routes(operations: Sequence[Operation]) -> list[Route]:
    """Every route of the service."""
    documents = Documents(document(operations))
    return [
        *(
            Route(path, OperationEndpoint(operation), methods=["GET", "POST"])
            for operation in operations
            for path in operation.paths
        ),
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/history", history),
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/startupz", health.startupz),
        Route("/metrics", health.metrics_page),
        Route("/openapi.json", documents.openapi),
        Route("/docs", documents.docs),
        Route("/docs/try.js", documents.script),
        Route("/event.schema.json", event_schema_document),
        Route("/.well-known/jwks.json", key_set),
        Route("/problems/{slug}", problem_page),
        Route("/", index),
    ]


class ExactPaths:
    """Finds routes without variables by one look-up; all else, a wrong method too, goes to Starlette."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self.app = app
        exact = [route for route in routes if isinstance(route, Route) and "{" not in route.path]
        self.apps = {(method, route.path): route.app for route in exact for method in route.methods or ()}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI."""
        return self.apps.get((scope["method"], scope["path"]), self.app)(scope, receive, send)
