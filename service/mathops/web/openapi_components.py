"""Components of the OpenAPI document, which its paths refer to."""

from collections.abc import Sequence
from typing import Any

from mathops.errors import MalformedRequest, MathopsError, problem_types
from mathops.models import INTEGER_PATTERN, schemas
from mathops.operations import Operation, Parameter
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.web.negotiation import JSON, TEXT
from mathops.web.problems import MEDIA_TYPE, PATH

Json = dict[str, Any]

_NATURAL_PATTERN = "^(0|[1-9][0-9]*)$"
_RESULT_HEADERS = ("ETag", "Cache-Control", "Cache-Status", "Server-Timing", "RateLimit", "RateLimit-Policy")
_PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_HEADERS = (*_RESULT_HEADERS, "Link", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def components(operations: Sequence[Operation]) -> Json:
    schema = schemas("#/components/schemas/{name}")
    schema["Problem"]["properties"]["type"]["examples"] = sorted(PATH + slug for slug in problem_types())
    return {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        "headers": {name: {"schema": {"type": "string"}} for name in _HEADERS},
        "parameters": {
            f"{operation.name}_{parameter.name}": _parameter(parameter)
            for operation in operations
            for parameter in operation.parameters
        },
        "requestBodies": {operation.name: _operation_body(operation) for operation in operations},
        "responses": {
            **{f"{operation.name}_result": _result(operation) for operation in operations},
            "not_modified": {"description": "The caller's copy is current.", "headers": headers("ETag")},
            "without_content": {"description": "As GET, without content.", "headers": headers()},
            **_problem_responses(),
        },
        "schemas": {name: value for name, value in schema.items() if name != "HistoryQuery"},
    }


def _problem_responses() -> Json:
    by_status: dict[int, list[type[MathopsError]]] = {}
    for _, error in sorted(problem_types().items()):
        by_status.setdefault(error.status, []).append(error)
    return {f"problem_{status}": _problem_response(status, by_status[status]) for status in sorted(by_status)}


def _problem_response(status: int, errors: Sequence[type[MathopsError]]) -> Json:
    content = {MEDIA_TYPE: {"schema": ref("schemas", "Problem")}}
    if status == MalformedRequest.status:
        # The HTTP parser rejects what is not HTTP, such as a target of over 64 KiB, before the application.
        content[TEXT] = {"schema": {"type": "string"}}
    return {
        "description": "; ".join(f"{error.title} ({error.type})" for error in errors),
        "headers": headers(*_PROBLEM_HEADERS.get(status, ())),
        "content": content,
    }


def _parameter(parameter: Parameter) -> Json:
    return {
        **query_parameter(parameter.name, {"description": parameter.description, **_integer_text(parameter)}),
        "required": True,
        "example": str(parameter.example),
    }


def query_parameter(name: str, schema: Json) -> Json:
    value = {key: part for key, part in schema.items() if key != "description"}
    return {"name": name, "in": "query", "description": schema["description"], "schema": value}


def _operation_body(operation: Operation) -> Json:
    properties = {
        parameter.name: {
            "description": parameter.description,
            "oneOf": [_integer_text(parameter), _integer(parameter)],
        }
        for parameter in operation.parameters
    }
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
        "example": _example(operation),
    }
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _result(operation: Operation) -> Json:
    result = operation.result(*(parameter.example for parameter in operation.parameters))
    text = result.text.decode()
    example = {"operation": operation.name, "parameters": _example(operation), "result": text, "digits": result.digits}
    return {
        "description": "The exact result.",
        "headers": headers(*_RESULT_HEADERS),
        "content": {
            JSON: {"schema": ref("schemas", "OperationResult"), "example": example},
            TEXT: {"schema": {"type": "string", "pattern": INTEGER_PATTERN}, "example": text},
        },
    }


def _example(operation: Operation) -> dict[str, str]:
    return {parameter.name: str(parameter.example) for parameter in operation.parameters}


def _integer_text(parameter: Parameter) -> Json:
    signed = parameter.minimum is None or parameter.minimum < 0
    pattern = INTEGER_PATTERN if signed else _NATURAL_PATTERN
    return {"type": "string", "pattern": pattern, "maxLength": MAX_PARAMETER_DIGITS}


def _integer(parameter: Parameter) -> Json:
    return {"type": "integer"} if parameter.minimum is None else {"type": "integer", "minimum": parameter.minimum}


def content(response: str | type) -> Json:
    if not isinstance(response, str):
        return {JSON: {"schema": ref("schemas", response.__name__)}}
    return {response: {"schema": {"type": "string" if response.startswith("text/") else "object"}}}


def ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> Json:
    return {name: ref("headers", name) for name in (*names, "X-Request-ID")}
