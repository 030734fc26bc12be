"""Errors of a sign-in as a page, because a person navigates to its routes."""

from collections.abc import Awaitable, Callable
from functools import wraps
from html import escape

from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import MathopsError
from mathops.web.console.files import SECURITY_HEADERS, page, template
from mathops.web.context import NO_STORE, context_of
from mathops.web.endpoints.pages import HTML

Handler = Callable[[Request], Awaitable[Response]]


def with_failure_page(handler: Handler) -> Handler:
    """Clients that do not accept HTML get the problem document."""

    @wraps(handler)
    async def handled(request: Request) -> Response:
        try:
            return await handler(request)
        except MathopsError as error:
            if HTML not in (context_of(request.scope).header(b"accept") or ""):
                raise
            return _page(request, error)

    return handled


def _page(request: Request, error: MathopsError) -> Response:
    context = context_of(request.scope)
    context.problem = error.type
    content = template("sign_in_failure.html").substitute(
        title=escape(error.title),
        detail=escape(error.detail),
        type=error.type,
        root=escape(f"{context.root_path}/"),
        request_id=escape(context.request_id),
    )
    headers = {**SECURITY_HEADERS, **NO_STORE}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    body = page(f"{error.title} - mathops", content, f"{context.root_path}/")
    return Response(body, error.status, headers, HTML)
