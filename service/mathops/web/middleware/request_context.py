"""Creates the context of a request, with the caller's X-Request-ID or a new one."""

from collections.abc import Awaitable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mathops.telemetry.logs import request_id
from mathops.web.context import HttpMiddleware, RequestContext
from mathops.web.endpoint import Endpoint
from mathops.web.middleware.request_limits import over_connection_limit


class RequestContextMiddleware(HttpMiddleware):
    """Finds the endpoint, and adds the context's headers to the response."""

    def __init__(self, app: ASGIApp, endpoints: Sequence[Endpoint], root_path: str) -> None:
        super().__init__(app)
        self._endpoints = {endpoint.path: endpoint for endpoint in endpoints}
        self._root_path = root_path

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            # Lifespan and WebSocket scopes have no request.
            router: ASGIApp = scope["app"].router
            return router(scope, receive, send)
        resources = scope["app"].state.resources
        endpoint = self._endpoints.get(scope["path"]) or self._find(scope)
        context = scope["context"] = RequestContext.of(scope, resources, endpoint)
        request_id.set(context.request_id)
        if root_path := scope["root_path"] or self._root_path:
            context.root_path = root_path
            # Starlette's router would remove it from the path.
            scope["root_path"] = ""
        if resources.draining or over_connection_limit(scope):
            context.close_connection()

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message["headers"] = [*message["headers"], *context.response_headers]
            return send(message)

        return self.app(scope, receive, send_with_headers)

    def _find(self, scope: Scope) -> Endpoint | None:
        """The endpoint of a path with a parameter or with a prefix, which it removes from the scope."""
        path = scope["path"]
        endpoint = self._with_slug(path)
        if endpoint is None and self._root_path and path.startswith(self._root_path):
            # Only the prefix of the setting: with that of a header, callers could request a path that a proxy denies.
            path = scope["path"] = _without(self._root_path, path)
            endpoint = self._endpoints.get(path) or self._with_slug(path)
        return endpoint

    def _with_slug(self, path: str) -> Endpoint | None:
        # Only the last segment of a path is ever a parameter.
        return self._endpoints.get(path[: path.rfind("/")] + "/{slug}")


def _without(prefix: str, path: str) -> str:
    rest = path[len(prefix) :] or "/"
    return rest if rest.startswith("/") else path
