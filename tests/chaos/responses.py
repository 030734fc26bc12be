"""Checks of a single response against its request."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from tests.chaos.request_mix import Request

# Allowed while a fault lasts.
UNAVAILABLE = 503
JOURNAL_UNAVAILABLE, OVERLOADED = "journal-unavailable", "overloaded"


class Response(NamedTuple):
    """Status, headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def find_error(request: Request, request_id: str, response: Response) -> str | None:
    """The error of the response, or None."""
    if response.headers.get("x-request-id") != request_id:
        return f"response to another request: {response.headers.get('x-request-id')}"
    if response.status == UNAVAILABLE:
        if "retry-after" not in response.headers:
            return "503 without Retry-After"
        return _problem_error(request, request_id, response, (JOURNAL_UNAVAILABLE, OVERLOADED))
    if response.status != request.status:
        return f"status {response.status} instead of {request.status}: {response.body[:300]!r}"
    if request.problem is not None:
        return _problem_error(request, request_id, response, (request.problem,))
    return _content_error(request, response)


def problem_type(response: Response) -> str | None:
    """The last path segment of the problem type, or None."""
    if not _is_problem(response):
        return None
    try:
        return str(json.loads(response.body)["type"]).rpartition("/")[2]
    except (ValueError, TypeError, KeyError):
        return None


def _is_problem(response: Response) -> bool:
    return response.headers.get("content-type") == "application/problem+json"


def _problem_error(request: Request, request_id: str, response: Response, types: tuple[str, ...]) -> str | None:
    if not _is_problem(response):
        return f"status {response.status} with content type {response.headers.get('content-type')}"
    if response.status == 401 and "www-authenticate" not in response.headers:
        return "401 without WWW-Authenticate"
    if request.method == "HEAD":
        return None
    if problem_type(response) not in types:
        return f"problem {problem_type(response)} instead of {' or '.join(types)}"
    document = json.loads(response.body)
    if (document["status"], document["request_id"]) != (response.status, request_id):
        return f"the problem document describes another response: {document}"
    return None


def _content_error(request: Request, response: Response) -> str | None:
    if request.content is None:
        return None
    if request.status == 200 and response.headers.get("content-length") != str(len(request.content)):
        return f"content-length {response.headers.get('content-length')} instead of {len(request.content)}"
    if request.method != "HEAD" and response.body != request.content:
        return f"wrong result: {response.body[:300]!r} instead of {request.content[:300]!r}"
    return None
