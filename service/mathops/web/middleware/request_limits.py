"""Refuses what is too large or too slow to be read, and what comes on one connection too many."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mathops.errors import (
    ContentTooLarge,
    HeaderFieldsTooLarge,
    MathopsError,
    Overloaded,
    RequestTimeout,
    UriTooLong,
)
from mathops.settings import Settings
from mathops.web.context import RequestContext, context_of
from mathops.web.problems import problem_response

# The ASGI extension of a request on a connection beyond the limit of connections.
OVER_CONNECTION_LIMIT = "mathops.over_connection_limit"
# A busy service that its probes cannot reach would be restarted for it.
_ALWAYS_ANSWERED = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})


class Limits:
    """Sizes and times are those of the settings."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if (error := self._fault(scope)) is not None:
            await problem_response(error, scope)(scope, receive, send)
            return
        bodiless = scope["method"] in ("GET", "HEAD")
        await self.app(scope, receive if bodiless else self._bounded(scope, receive), send)

    def _fault(self, scope: Scope) -> MathopsError | None:
        settings = self.settings
        if over_connection_limit(scope) and scope["path"] not in _ALWAYS_ANSWERED:
            return Overloaded(
                f"there are {settings.connections} connections already, and no more are taken; try again in a second",
            )
        if len(scope["raw_path"]) + len(scope["query_string"]) > settings.url_bytes:
            return UriTooLong(f"send at most {settings.url_bytes} bytes; long numbers go into a POST body")
        # Each field costs its name, its value, and ": " and the line end.
        if sum([len(name) + len(value) + 4 for name, value in scope["headers"]]) > settings.header_bytes:
            return HeaderFieldsTooLarge(f"send at most {settings.header_bytes} bytes of header fields")
        return None

    def _too_large(self) -> ContentTooLarge:
        return ContentTooLarge(f"send at most {self.settings.body_bytes} bytes")

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        context = context_of(scope)
        announced = _announced(context)
        deadline = asyncio.get_running_loop().time() + self.settings.read_timeout_seconds
        size = 0
        whole = False

        async def bounded() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            if announced > self.settings.body_bytes:
                # Without reading, so that a caller that waits for 100 Continue sends nothing.
                context.close_connection()
                raise self._too_large()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                context.close_connection()
                raise RequestTimeout(
                    f"the body did not arrive within {self.settings.read_timeout_seconds:g} s"
                ) from None
            size += len(message.get("body", b""))
            if size > self.settings.body_bytes:
                context.close_connection()
                raise self._too_large()
            whole = not message.get("more_body", False)
            return message

        return bounded


def over_connection_limit(scope: Scope) -> bool:
    """Whether the request came on a connection beyond the limit."""
    return OVER_CONNECTION_LIMIT in scope.get("extensions", ())


def _announced(context: RequestContext) -> int:
    """Content-Length, or 0 without it."""
    length = context.field(b"content-length") or ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
