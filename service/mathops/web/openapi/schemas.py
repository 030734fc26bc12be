"""What the descriptions of all paths share: problems, records, header fields, integers."""

from typing import Any

from mathops.errors import MalformedRequest, MathopsError, problem_types
from mathops.models import event_schema
from mathops.operations import Parameter
from mathops.operations.operation import MAX_PARAMETER_DIGITS

Json = dict[str, Any]

# What limits answer on any path, authentication and quota where a token is asked for,
# the reading of a body, and the work of an operation.
LIMITS = ("content-too-large", "uri-too-long", "header-fields-too-large", "overloaded")
GUARDED = (*LIMITS, "unauthorized", "insufficient-scope", "quota-exceeded", "revocation-unavailable")
BODY = ("malformed-request", "request-timeout", "unsupported-media-type")
WORK = (
    "malformed-request",
    "not-acceptable",
    "invalid-parameter",
    "result-too-large",
    "internal-error",
    "journal-unavailable",
    "deadline-exceeded",
)

INTEGER = "^(0|-?[1-9][0-9]*)$"
_NATURAL = "^(0|[1-9][0-9]*)$"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
# The HTTP parser's own words for what is not HTTP, such as a target of over 64 KiB.
_UNPARSED = {"text/plain": {"schema": {"type": "string"}}}
_FIELDS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def integer_text(parameter: Parameter) -> Json:
    """An integer as the text of a query or a JSON string."""
    signed = parameter.minimum is None or parameter.minimum < 0
    return {"type": "string", "pattern": INTEGER if signed else _NATURAL, "maxLength": MAX_PARAMETER_DIGITS}


def integer(parameter: Parameter) -> Json:
    """An integer as a JSON number."""
    return {"type": "integer"} if parameter.minimum is None else {"type": "integer", "minimum": parameter.minimum}


def fields(*names: str) -> Json:
    """Header fields of an answer; X-Request-ID is one of each."""
    return {name: {"schema": {"type": "string"}} for name in (*names, "X-Request-ID")}


def problems(*slugs: str) -> Json:
    """The answers that refuse, by status."""
    by_status: dict[int, list[type[MathopsError]]] = {}
    types = problem_types()
    for slug in sorted(set(slugs)):
        by_status.setdefault(types[slug].status, []).append(types[slug])
    return {
        str(status): {
            "description": "; ".join(f"{error.title} ({error.type})" for error in by_status[status]),
            "headers": fields(*_FIELDS.get(status, ())),
            "content": {**_PROBLEM, **(_UNPARSED if status == MalformedRequest.status else {})},
        }
        for status in sorted(by_status)
    }


def problem_schema() -> Json:
    """The body of a refusal."""
    text = {"type": "string"}
    fault = {"type": "object", "required": ["parameter", "detail"], "properties": {"parameter": text, "detail": text}}
    return {
        "type": "object",
        "description": "RFC 9457; further members depend on the type.",
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
        "properties": {
            "type": {"enum": sorted(f"/problems/{slug}" for slug in problem_types())},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "instance": text,
            "request_id": text,
            "trace_id": text,
            "errors": {"type": "array", "items": fault},
            "predicted_digits": {"type": ["integer", "null"]},
            "limit_digits": {"type": "integer"},
        },
    }


def record_schema() -> Json:
    """The record of a request, as event.schema.json has it."""
    return {key: value for key, value in event_schema().items() if not key.startswith("$")}
