"""Renders errors of endpoints and of inner middleware as problem responses (RFC 9457)."""

import asyncio
from typing import NoReturn

from msgspec import UNSET
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mathops.errors import InternalError, MathopsError, MethodNotAllowed, NotFound, ServiceStopping
from mathops.models import Problem, encode_json
from mathops.telemetry.logs import get_logger
from mathops.web.context import NO_STORE, HttpMiddleware, context_of

MEDIA_TYPE = "application/problem+json"
PATH = "/problems/"

log = get_logger(__name__)


class ErrorHandling(HttpMiddleware):
    """Errors after the start of the response are raised again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except (Exception, asyncio.CancelledError) as error:
            context = context_of(scope)
            if context.status:
                raise
            if isinstance(error, asyncio.CancelledError):
                # uvicorn cancels the requests that are open when the shutdown timeout ends.
                error = ServiceStopping("the request was not finished before the service stopped; send it again")
            elif not isinstance(error, MathopsError):
                log.error("request failed", exc_info=error, path=context.path)
                error = InternalError("an unexpected error occurred and was logged under this request id")
            await problem_response(error, scope)(scope, receive, send)


def problem_response(error: MathopsError, scope: Scope) -> Response:
    context = context_of(scope)
    context.problem = error.type
    problem = Problem(
        type=context.root_path + PATH + error.type,
        title=error.title,
        status=error.status,
        detail=error.detail,
        # The path of malformed HTTP is unknown.
        instance=context.path and context.root_path + context.path,
        request_id=context.request_id,
        trace_id=context.trace_id or UNSET,
        **error.extensions,
    )
    headers = dict(NO_STORE)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.challenge is not None:
        headers["WWW-Authenticate"] = error.challenge
    return Response(encode_json(problem), error.status, headers, MEDIA_TYPE)


async def raise_mathops_error(request: Request, error: Exception) -> NoReturn:
    """Starlette's 404 and 405 as errors of the service, so that one middleware renders all errors."""
    assert isinstance(error, HTTPException)
    if error.status_code == MethodNotAllowed.status:
        allow = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        context_of(request.scope).response_headers.append((b"allow", allow.encode("ascii")))
        raise MethodNotAllowed(f"use {allow}")
    raise NotFound("no resource has this path; /openapi.json lists all paths")
