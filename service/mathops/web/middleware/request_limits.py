"""Rejects malformed requests, and limits size and duration of requests and the number of connections."""

import asyncio
from collections.abc import Awaitable

from starlette.types import Message, Receive, Scope, Send

from mathops.errors import (
    ContentTooLarge,
    HeaderFieldsTooLarge,
    MalformedRequest,
    MathopsError,
    Overloaded,
    RequestTimeout,
    UriTooLong,
)
from mathops.web.context import HttpMiddleware, RequestContext, context_of

# ASGI extension that marks requests on connections beyond the limit.
OVER_CONNECTION_LIMIT = "mathops.over_connection_limit"
# ASGI extension of a request that is not valid HTTP; its member `detail` says why.
MALFORMED_REQUEST = "mathops.malformed_request"


class RequestLimits(HttpMiddleware):
    """Rejects requests beyond the limits of the settings; requests rejected by their head are not recorded."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context = context_of(scope)
        if (error := _head_error(scope, context)) is not None:
            context.recorded = False
            raise error
        ignores_body = scope["method"] in ("GET", "HEAD")
        return self.app(scope, receive if ignores_body else _bounded(scope, receive, context), send)


def _head_error(scope: Scope, context: RequestContext) -> MathopsError | None:
    settings = context.resources.settings
    if "extensions" in scope and (error := _malformed(scope) or _over_limit(scope, context)) is not None:
        return error
    if len(scope["raw_path"]) + len(scope["query_string"]) > settings.url_bytes:
        return UriTooLong(f"send at most {settings.url_bytes} bytes, and long numbers in a POST body")
    # Each header takes its name, its value, ": " and the line end.
    if sum([len(name) + len(value) + 4 for name, value in scope["headers"]]) > settings.header_bytes:
        return HeaderFieldsTooLarge(f"send at most {settings.header_bytes} bytes of header fields")
    return None


def _malformed(scope: Scope) -> MalformedRequest | None:
    extension = scope.get("extensions", {}).get(MALFORMED_REQUEST)
    return extension and MalformedRequest(extension["detail"])


def _over_limit(scope: Scope, context: RequestContext) -> Overloaded | None:
    # Unanswered probes would restart a busy service.
    if not over_connection_limit(scope) or (context.endpoint and context.endpoint.always_answered):
        return None
    return Overloaded(f"the limit of {context.resources.settings.connections} connections is reached; retry later")


def _bounded(scope: Scope, receive: Receive, context: RequestContext) -> Receive:
    """`receive` with a time limit for the whole body and a size limit."""
    settings = context.resources.settings
    announced = _content_length(context)
    deadline = asyncio.get_running_loop().time() + settings.read_timeout_seconds
    size = 0
    complete = False

    def check(bytes_: int) -> None:
        if bytes_ > settings.body_bytes:
            raise ContentTooLarge(f"send at most {settings.body_bytes} bytes")

    async def bounded() -> Message:
        nonlocal size, complete
        if complete:
            return await receive()
        # Before the first read, so that a caller that waits for 100 Continue sends nothing.
        check(announced)
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            context.close_connection()
            raise RequestTimeout(f"the body did not arrive within {settings.read_timeout_seconds:g} s") from None
        if (malformed := _malformed(scope)) is not None:
            raise malformed
        size += len(message.get("body", b""))
        check(size)
        complete = not message.get("more_body", False)
        return message

    return bounded


def over_connection_limit(scope: Scope) -> bool:
    return OVER_CONNECTION_LIMIT in scope.get("extensions", ())


def _content_length(context: RequestContext) -> int:
    """Content-Length, or 0 without a valid one."""
    length = context.header(b"content-length") or ""
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
