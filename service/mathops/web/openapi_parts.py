"""Parts of the OpenAPI document: references, headers, and the parameters and results of operations."""

from typing import Any

from msgspec import to_builtins

from mathops.models import INTEGER_PATTERN, OperationResult
from mathops.operations import Operation, Parameter
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.web.negotiation import JSON, TEXT

Json = dict[str, Any]

_RESULT_HEADERS = (
    *("ETag", "Accept-Ranges", "Cache-Control", "Cache-Status"),
    *("Server-Timing", "RateLimit", "RateLimit-Policy"),
)
HEADERS = (*_RESULT_HEADERS, "Content-Range", "Link", "Retry-After", "WWW-Authenticate", "X-Request-ID")
# By status.
PROBLEM_HEADERS = {
    401: ["WWW-Authenticate"],
    403: ["WWW-Authenticate"],
    416: ["Content-Range"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}


def ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> Json:
    return {name: ref("headers", name) for name in (*names, "X-Request-ID")}


def operation_parameter(parameter: Parameter) -> Json:
    query = query_parameter(parameter.name, {"description": parameter.description, **_integer_text(parameter)})
    return {**query, "required": True, "example": str(parameter.example)}


def query_parameter(name: str, schema: Json) -> Json:
    value = dict(schema)
    return {"name": name, "in": "query", "description": value.pop("description"), "schema": value}


def _integer_text(parameter: Parameter) -> Json:
    natural = parameter.minimum is not None and parameter.minimum >= 0
    pattern = INTEGER_PATTERN.replace("-?", "") if natural else INTEGER_PATTERN
    return {"type": "string", "pattern": pattern, "maxLength": MAX_PARAMETER_DIGITS}


def operation_body(operation: Operation) -> Json:
    properties = {}
    for parameter in operation.parameters:
        bound = {} if parameter.minimum is None else {"minimum": parameter.minimum}
        kinds = [_integer_text(parameter), {"type": "integer", **bound}]
        properties[parameter.name] = {"description": parameter.description, "oneOf": kinds}
    schema = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    return {"required": True, "content": {JSON: {"schema": {**schema, "example": _example(operation)}}}}


def operation_result(operation: Operation) -> Json:
    result = operation.result(*(parameter.example for parameter in operation.parameters))
    text = result.text.decode()
    document = OperationResult(operation.name, _example(operation), text, result.digits)
    return {
        "description": "The exact result.",
        "headers": headers(*_RESULT_HEADERS),
        "content": {
            JSON: {"schema": ref("schemas", "OperationResult"), "example": to_builtins(document)},
            TEXT: {"schema": {"type": "string", "pattern": INTEGER_PATTERN}, "example": text},
        },
    }


def partial_result() -> Json:
    return {
        "description": "The part of a text result that Range names.",
        "headers": headers(*_RESULT_HEADERS, "Content-Range"),
        "content": {TEXT: {"schema": {"type": "string"}}},
    }


def _example(operation: Operation) -> dict[str, str]:
    return {parameter.name: str(parameter.example) for parameter in operation.parameters}
