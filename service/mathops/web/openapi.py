"""The OpenAPI 3.1 document, derived from the routes, the operations and the JSON documents."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from msgspec import to_builtins

from mathops import __version__
from mathops.errors import MalformedRequest, MathopsError, problem_types
from mathops.models import INTEGER_PATTERN, OperationResult, schemas
from mathops.operations import Operation, Parameter
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.web.endpoint import Description, Endpoint
from mathops.web.middleware.error_handling import MEDIA_TYPE, PATH
from mathops.web.negotiation import JSON, TEXT

Json = dict[str, Any]

# Problem types that follow from the properties of a route.
_HEAD_PROBLEMS = ("uri-too-long", "header-fields-too-large")
_TOKEN_PROBLEMS = ("unauthorized", "quota-exceeded", "journal-unavailable")
_PARAMETER_PROBLEMS = ("malformed-request", "invalid-parameter")
_BODY_PROBLEMS = (*_PARAMETER_PROBLEMS, "content-too-large", "request-timeout", "unsupported-media-type")
_RESULT_PROBLEMS = (
    *("not-acceptable", "result-too-large", "internal-error", "journal-unavailable"),
    *("service-stopping", "deadline-exceeded"),
)

_RESULT_HEADERS = ("ETag", "Cache-Control", "Cache-Status", "Server-Timing", "RateLimit", "RateLimit-Policy")
_PROBLEM_HEADERS = {401: ["WWW-Authenticate"], 403: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
_HEADERS = (*_RESULT_HEADERS, "Link", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def document(endpoints: Iterable[Endpoint]) -> Json:
    described = [(endpoint, endpoint.description) for endpoint in endpoints if endpoint.description]
    operations = dict.fromkeys(endpoint.operation for endpoint, _ in described if endpoint.operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mathops",
            "version": __version__,
            "description": "Exact power, Fibonacci and factorial; operation requests are recorded.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {endpoint.path: _path(endpoint, description) for endpoint, description in described},
        "components": _components(list(operations)),
    }


def _path(endpoint: Endpoint, description: Description) -> Json:
    alternatives = [{"bearer": [scope]} for scope in endpoint.scopes] or [{"bearer": []}]
    security = {} if endpoint.public else {"security": alternatives}
    common = {"summary": description.summary, "tags": [description.tag], **security}
    name = endpoint.path.rpartition("/")[2].removesuffix(".json").replace(".", "_")
    path = {}
    for method in ("get", "head", "post") if endpoint.operation else ("get", "post"):
        if method.upper() in (endpoint.methods or ()):
            request, success = _request(endpoint, description, method), _success(endpoint, description, method)
            responses = {**success, **_problems(endpoint, description, method)}
            if method == "head":
                responses = dict.fromkeys(responses, _ref("responses", "without_content"))
            operation_id = f"{method}_{name}" if endpoint.operation else name
            path[method] = {"operationId": operation_id, **common, **request, "responses": responses}
    return path


def _request(endpoint: Endpoint, description: Description, method: str) -> Json:
    if operation := endpoint.operation:
        if method == "post":
            return {"requestBody": _operation_body(operation)}
        return {"parameters": [_parameter(parameter) for parameter in operation.parameters]}
    if description.query:
        members = schemas()[description.query.__name__]["properties"]
        return {"parameters": [_query_parameter(name, schema) for name, schema in members.items()]}
    if description.body:
        return {"requestBody": {"required": True, "content": _content(description.body)}}
    return {}


def _success(endpoint: Endpoint, description: Description, method: str) -> Json:
    """Responses that are no problems, by status."""
    if operation := endpoint.operation:
        unchanged = {} if method == "post" else {"304": _ref("responses", "not_modified")}
        return {"200": _ref("responses", f"{operation.name}_result"), **unchanged}
    response: Json = {"description": description.summary, "headers": _headers(*description.headers)}
    if description.response is None:
        return {"204": response}
    response["content"] = _content(description.response)
    unavailable = {"503": {**response, "description": description.unavailable}} if description.unavailable else {}
    return {"200": response, **unavailable}


def _problems(endpoint: Endpoint, description: Description, method: str) -> Json:
    """References to the problem responses of an endpoint, by status."""
    operation = endpoint.operation
    conditions = (
        (True, (*_HEAD_PROBLEMS, *description.errors)),
        (not endpoint.always_answered, ("overloaded",)),
        (not endpoint.public, _TOKEN_PROBLEMS),
        (endpoint.scopes, ("insufficient-scope",)),
        (operation or description.query, _PARAMETER_PROBLEMS),
        (description.body or (operation and method == "post"), _BODY_PROBLEMS),
        (operation, _RESULT_PROBLEMS),
        (operation and method != "post", ("precondition-failed",)),
    )
    types = problem_types()
    statuses = sorted({types[slug].status for condition, slugs in conditions if condition for slug in slugs})
    return {str(status): _ref("responses", f"problem_{status}") for status in statuses}


def _components(operations: Sequence[Operation]) -> Json:
    schema = schemas("#/components/schemas/{name}").copy()
    schema["Problem"]["properties"]["type"]["examples"] = sorted(PATH + slug for slug in problem_types())
    del schema["HistoryQuery"]
    errors = sorted(problem_types().values(), key=lambda error: (error.status, error.type))
    return {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        "headers": {name: {"schema": {"type": "string"}} for name in _HEADERS},
        "responses": {
            **{f"{operation.name}_result": _result(operation) for operation in operations},
            "not_modified": {"description": "The caller's copy is current.", "headers": _headers("ETag")},
            "without_content": {"description": "As GET, without content.", "headers": _headers()},
            **{
                f"problem_{status}": _problem_response(status, group)
                for status, group in groupby(errors, lambda error: error.status)
            },
        },
        "schemas": schema,
    }


def _problem_response(status: int, errors: Iterable[type[MathopsError]]) -> Json:
    content = {MEDIA_TYPE: {"schema": _ref("schemas", "Problem")}}
    if status == MalformedRequest.status:
        # The HTTP parser rejects what is not HTTP, such as a target of over 64 KiB, before the application.
        content[TEXT] = {"schema": {"type": "string"}}
    description = "; ".join(f"{error.title} ({error.type})" for error in errors)
    return {"description": description, "headers": _headers(*_PROBLEM_HEADERS.get(status, ())), "content": content}


def _parameter(parameter: Parameter) -> Json:
    query = _query_parameter(parameter.name, {"description": parameter.description, **_integer_text(parameter)})
    return {**query, "required": True, "example": str(parameter.example)}


def _query_parameter(name: str, schema: Json) -> Json:
    value = dict(schema)
    return {"name": name, "in": "query", "description": value.pop("description"), "schema": value}


def _integer_text(parameter: Parameter) -> Json:
    natural = parameter.minimum is not None and parameter.minimum >= 0
    pattern = INTEGER_PATTERN.replace("-?", "") if natural else INTEGER_PATTERN
    return {"type": "string", "pattern": pattern, "maxLength": MAX_PARAMETER_DIGITS}


def _operation_body(operation: Operation) -> Json:
    properties = {}
    for parameter in operation.parameters:
        bound = {} if parameter.minimum is None else {"minimum": parameter.minimum}
        kinds = [_integer_text(parameter), {"type": "integer", **bound}]
        properties[parameter.name] = {"description": parameter.description, "oneOf": kinds}
    schema = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    return {"required": True, "content": {JSON: {"schema": {**schema, "example": _example(operation)}}}}


def _result(operation: Operation) -> Json:
    result = operation.result(*(parameter.example for parameter in operation.parameters))
    text = result.text.decode()
    document = OperationResult(operation.name, _example(operation), text, result.digits)
    return {
        "description": "The exact result.",
        "headers": _headers(*_RESULT_HEADERS),
        "content": {
            JSON: {"schema": _ref("schemas", "OperationResult"), "example": to_builtins(document)},
            TEXT: {"schema": {"type": "string", "pattern": INTEGER_PATTERN}, "example": text},
        },
    }


def _example(operation: Operation) -> dict[str, str]:
    return {parameter.name: str(parameter.example) for parameter in operation.parameters}


def _content(response: str | type) -> Json:
    if not isinstance(response, str):
        return {JSON: {"schema": _ref("schemas", response.__name__)}}
    return {response: {"schema": {"type": "string" if response.startswith("text/") else "object"}}}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _headers(*names: str) -> Json:
    return {name: _ref("headers", name) for name in (*names, "X-Request-ID")}
