"""Problem answers (RFC 9457), and the page that each problem type opens."""

import html

from msgspec import UNSET
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from mathops.errors import (
    InternalError,
    MathopsError,
    MethodNotAllowed,
    NotFound,
    problem_types,
)
from mathops.models import Problem, encode_json
from mathops.telemetry.logs import get_logger
from mathops.web.context import context_of

MEDIA_TYPE = "application/problem+json"
PATH = "/problems/"

log = get_logger(__name__)


def problem_response(error: MathopsError, scope: Scope) -> Response:
    """The answer to a refused request."""
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


def as_mathops_error(error: Exception, scope: Scope) -> MathopsError:
    """Any exception as one of ours; what was not foreseen is logged and told as internal-error."""
    if isinstance(error, MathopsError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == MethodNotAllowed.status:
            allow = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
            context_of(scope).answer_fields.append((b"allow", allow.encode("ascii")))
            return MethodNotAllowed(f"use {allow}")
        if error.status_code == NotFound.status:
            return NotFound("nothing has this path; /openapi.json lists all there is")
    log.error("request failed", exc_info=error, request_id=context_of(scope).request_id, path=scope["path"][:256])
    return InternalError("the service met a fault of its own and logged it under this request id")


def page(slug: str) -> str | None:
    """The HTML page of a problem type, or None where there is no such type."""
    error = problem_types().get(slug)
    if error is None:
        return None
    about = html.escape(" ".join((error.__doc__ or "").split()))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{slug}</title>'
        f"<h1>{html.escape(error.title)}</h1><p><code>{slug}</code>, HTTP status {error.status}</p><p>{about}</p>"
    )
