"""The paths of the operations."""

from mathops.operations import Operation
from mathops.web.openapi.schemas import BODY, GUARDED, INTEGER, WORK, Json, fields, integer, integer_text, problems


def operation_path(operation: Operation, path: str) -> Json:
    """GET, HEAD and POST of one operation at one of its paths."""
    name = path.strip("/")
    common: Json = {"summary": operation.summary, "security": [{"bearer": ["math"]}], "tags": ["operations"]}
    asked = {"parameters": _query(operation)}
    stored = {"304": {"description": "The caller has the result already.", "headers": fields("ETag")}}
    answers = {"200": _result(operation), **problems(*GUARDED, *WORK), **stored}
    return {
        "get": {**common, "operationId": f"get_{name}", **asked, "responses": answers},
        "head": {**common, "operationId": f"head_{name}", **asked, "responses": _without_content(answers)},
        "post": {
            **common,
            "operationId": f"post_{name}",
            "requestBody": {"required": True, "content": {"application/json": {"schema": _body(operation)}}},
            "responses": {"200": _result(operation), **problems(*GUARDED, *WORK, *BODY)},
        },
    }


def _query(operation: Operation) -> list[Json]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "required": True,
            "description": parameter.description,
            "schema": integer_text(parameter),
            "example": str(parameter.example),
        }
        for parameter in operation.parameters
    ]


def _body(operation: Operation) -> Json:
    integers = {
        parameter.name: {
            "description": parameter.description,
            "oneOf": [integer_text(parameter), integer(parameter)],
        }
        for parameter in operation.parameters
    }
    return {**_closed(integers), "example": _example(operation)}


def _result(operation: Operation) -> Json:
    result = operation.result(*(parameter.example for parameter in operation.parameters))
    text = result.text.decode()
    answer = {"operation": operation.name, "parameters": _example(operation), "result": text, "digits": result.digits}
    return {
        "description": "The exact result.",
        "headers": fields("ETag", "Cache-Control", "Cache-Status", "Server-Timing", "RateLimit", "RateLimit-Policy"),
        "content": {
            "application/json": {"schema": _answer(operation), "example": answer},
            "text/plain": {"schema": {"type": "string", "pattern": INTEGER}, "example": text},
        },
    }


def _answer(operation: Operation) -> Json:
    text = {"type": "string", "pattern": INTEGER}
    parameters = {parameter.name: text for parameter in operation.parameters}
    return _closed(
        {
            "operation": {"const": operation.name},
            "parameters": _closed(parameters),
            "result": text,
            "digits": {"type": "integer", "minimum": 1},
        }
    )


def _closed(properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _example(operation: Operation) -> dict[str, str]:
    return {parameter.name: str(parameter.example) for parameter in operation.parameters}


def _without_content(answers: Json) -> Json:
    return {
        status: {name: value for name, value in answer.items() if name != "content"}
        for status, answer in answers.items()
    }
