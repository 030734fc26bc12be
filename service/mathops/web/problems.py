"""Problem responses (RFC 9457)."""

from typing import NoReturn

from msgspec import UNSET
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from mathops.errors import MathopsError, MethodNotAllowed, NotFound
from mathops.models import Problem, encode_json
from mathops.web.context import context_of

MEDIA_TYPE = "application/problem+json"
PATH = "/problems/"


def problem_response(error: MathopsError, scope: Scope) -> Response:
    context = context_of(scope)
    context.problem = error.type
    problem = Problem(
        type=PATH + error.type,
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=scope["path"][:256],
        request_id=context.request_id,
        trace_id=context.trace_id or UNSET,
        **error.extensions,
    )
    headers = {"Cache-Control": "no-store"}
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
