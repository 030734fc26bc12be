"""Opens the context of a request and names it: X-Request-ID, the caller's where it is well-formed."""

from collections.abc import Awaitable, Collection, Mapping
from types import SimpleNamespace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mathops.operations import Operation
from mathops.web.context import RequestContext
from mathops.web.middleware.request_limits import over_connection_limit


class RequestContextMiddleware:
    """`templates` are the paths of all routes, `operations` maps paths to the operation they ask for.

    `state.resources` are what the service works with.
    """

    def __init__(
        self, app: ASGIApp, state: SimpleNamespace, templates: Collection[str], operations: Mapping[str, Operation]
    ) -> None:
        self.app = app
        self.state = state
        self.templates = templates
        self.operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        resources = self.state.resources
        context = scope["context"] = RequestContext.of(
            scope, resources, self._template(path), self.operations.get(path), resources.tracing.trace_id()
        )
        if resources.draining or over_connection_limit(scope):
            context.close_connection()

        def named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message["headers"] = [*message["headers"], *context.answer_fields]
            return send(message)

        await self.app(scope, receive, named)

    def _template(self, path: str) -> str | None:
        if path in self.templates:
            return path
        # The one kind of route with a variable: a folder of pages.
        folder = path[: path.rfind("/")] + "/{slug}"
        return folder if folder in self.templates else None
