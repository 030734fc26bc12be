"""The OpenAPI 3.1 document, derived from the routes, the operations and the JSON documents."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from mathops import __version__
from mathops.errors import Forbidden, MalformedRequest, MathopsError, problem_types
from mathops.identity.oauth_documents import OAuthError
from mathops.models import OperationResult, Problem
from mathops.operations import Operation
from mathops.schemas import schemas
from mathops.web.endpoint import Description, Endpoint
from mathops.web.middleware.error_handling import MEDIA_TYPE, PATH
from mathops.web.negotiation import FORM, JSON, TEXT
from mathops.web.openapi_parts import (
    HEADERS,
    PROBLEM_HEADERS,
    Json,
    headers,
    operation_body,
    operation_parameter,
    operation_result,
    partial_result,
    query_parameter,
    ref,
)

# Problem types that follow from the properties of a route.
_HEAD_PROBLEMS = ("uri-too-long", "header-fields-too-large")
_TOKEN_PROBLEMS = ("unauthorized", "quota-exceeded", "journal-unavailable", "issuer-unavailable")
_PARAMETER_PROBLEMS = ("malformed-request", "invalid-parameter")
_READ_PROBLEMS = ("content-too-large", "request-timeout")
_BODY_PROBLEMS = (*_PARAMETER_PROBLEMS, *_READ_PROBLEMS, "unsupported-media-type")
_RESULT_PROBLEMS = (
    *("not-acceptable", "result-too-large", "internal-error", "journal-unavailable"),
    *("service-stopping", "deadline-exceeded"),
)
# Errors of OAuth clients, which are no problem documents.
_CLIENT_ERRORS = {
    400: "The form is invalid, or the grant type or scope is not available to the client.",
    401: "Unknown client or wrong credentials.",
    403: "The client lacks the scope.",
    429: "Too many failed attempts of this client.",
}
# Of paths in the names of operations.
_NAME = str.maketrans("/.", "__")


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
        "components": _components(list(operations), _documents(description for _, description in described)),
    }


def _path(endpoint: Endpoint, description: Description) -> Json:
    alternatives = [{"bearer": [scope]} for scope in endpoint.scopes] or [{"bearer": []}]
    if description.form:
        # The client may authenticate in the form instead.
        alternatives = [{"client": []}, {}]
    security = {} if endpoint.public and not description.form else {"security": alternatives}
    common = {"summary": description.summary, "tags": [description.tag], **security}
    if endpoint.operation and endpoint.path != endpoint.operation.paths[0]:
        common["x-alias-of"] = endpoint.operation.paths[0]
    name = endpoint.path.removeprefix("/.well-known").removesuffix(".json").strip("/").translate(_NAME)
    path = {}
    for method in ("get", "head", "post") if endpoint.operation else ("get", "post"):
        if method.upper() in (endpoint.methods or ()):
            request, success = _request(endpoint, description, method), _success(endpoint, description, method)
            responses = {**success, **_problems(endpoint, description, method)}
            if method == "head":
                responses = dict.fromkeys(responses, ref("responses", "without_content"))
            operation_id = f"{method}_{name}" if endpoint.operation else name
            path[method] = {"operationId": operation_id, **common, **request, "responses": responses}
    return path


def _request(endpoint: Endpoint, description: Description, method: str) -> Json:
    if endpoint.operation and method == "post":
        return {"requestBody": operation_body(endpoint.operation)}
    if parameters := endpoint.operation.parameters if endpoint.operation else description.parameters:
        return {"parameters": [operation_parameter(parameter) for parameter in parameters]}
    if description.query:
        members = schemas((description.query,))[description.query.__name__]["properties"]
        return {"parameters": [query_parameter(name, schema) for name, schema in members.items()]}
    if description.body:
        return {"requestBody": {"required": True, "content": _content(description.body)}}
    if description.form:
        return {"requestBody": {"required": True, "content": _content(description.form, FORM)}}
    return {}


def _success(endpoint: Endpoint, description: Description, method: str) -> Json:
    """Responses that are no problems, by status."""
    if operation := endpoint.operation:
        unchanged = {} if method == "post" else {"304": ref("responses", "not_modified")}
        partial = {"206": ref("responses", "partial_result")} if method == "get" else {}
        return {"200": ref("responses", f"{operation.name}_result"), **partial, **unchanged}
    response: Json = {"description": description.summary, "headers": headers(*description.headers)}
    if description.response is None:
        return {"200" if description.form else "204": response}
    response["content"] = _content(description.response)
    unavailable = {"503": {**response, "description": description.unavailable}} if description.unavailable else {}
    return {"200": response, **unavailable}


def _problems(endpoint: Endpoint, description: Description, method: str) -> Json:
    """References to the error responses of an endpoint, by status."""
    operation = endpoint.operation
    conditions = (
        (True, (*_HEAD_PROBLEMS, *description.errors)),
        (not endpoint.always_answered, ("overloaded",)),
        (not endpoint.public, _TOKEN_PROBLEMS),
        (endpoint.scopes and not endpoint.public, ("insufficient-scope",)),
        (operation or description.query or description.parameters, _PARAMETER_PROBLEMS),
        (description.body or (operation and method == "post"), _BODY_PROBLEMS),
        (description.form, _READ_PROBLEMS),
        (operation, _RESULT_PROBLEMS),
        (operation and method != "post", ("precondition-failed",)),
        (operation and method == "get", ("range-not-satisfiable",)),
    )
    types = problem_types()
    statuses = sorted({types[slug].status for condition, slugs in conditions if condition for slug in slugs})
    names = {status: f"problem_{status}" for status in statuses}
    if description.form:
        possible = _CLIENT_ERRORS if endpoint.scopes else _CLIENT_ERRORS.keys() - {Forbidden.status}
        names |= {status: f"client_error_{status}" for status in possible}
    return {str(status): ref("responses", name) for status, name in sorted(names.items())}


def _documents(descriptions: Iterable[Description]) -> tuple[type[Struct], ...]:
    """The JSON documents and forms of the descriptions, and those that all routes share."""
    named = [document for each in descriptions for document in (each.body, each.form, each.response)]
    return tuple(dict.fromkeys([Problem, OAuthError, OperationResult, *(d for d in named if isinstance(d, type))]))


def _components(operations: Sequence[Operation], documents: tuple[type[Struct], ...]) -> Json:
    schema = schemas(documents, "#/components/schemas/{name}").copy()
    schema["Problem"]["properties"]["type"]["examples"] = sorted(PATH + slug for slug in problem_types())
    errors = sorted(problem_types().values(), key=lambda error: (error.status, error.type))
    return {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "client": {"type": "http", "scheme": "basic", "description": "name and secret of an OAuth client"},
        },
        "headers": {name: {"schema": {"type": "string"}} for name in HEADERS},
        "responses": {
            **{f"{operation.name}_result": operation_result(operation) for operation in operations},
            "partial_result": partial_result(),
            "not_modified": {"description": "The caller's copy is current.", "headers": headers("ETag")},
            "without_content": {"description": "As GET, without content.", "headers": headers()},
            **{
                f"problem_{status}": _problem_response(status, group)
                for status, group in groupby(errors, lambda error: error.status)
            },
            **{f"client_error_{status}": _client_error(status) for status in _CLIENT_ERRORS},
        },
        "schemas": schema,
    }


def _problem_response(status: int, errors: Iterable[type[MathopsError]]) -> Json:
    content = {MEDIA_TYPE: {"schema": ref("schemas", "Problem")}}
    if status == MalformedRequest.status:
        # The HTTP parser rejects what is not HTTP, such as a target of over 64 KiB, before the application.
        content[TEXT] = {"schema": {"type": "string"}}
    description = "; ".join(f"{error.title} ({error.type})" for error in errors)
    return {"description": description, "headers": headers(*PROBLEM_HEADERS.get(status, ())), "content": content}


def _client_error(status: int) -> Json:
    content = _content(OAuthError)
    if status == MalformedRequest.status:
        content |= _problem_response(status, [])["content"]
    description = _CLIENT_ERRORS[status]
    names = () if status == Forbidden.status else PROBLEM_HEADERS.get(status, ())
    return {"description": description, "headers": headers(*names), "content": content}


def _content(response: str | type, media_type: str = JSON) -> Json:
    if not isinstance(response, str):
        return {media_type: {"schema": ref("schemas", response.__name__)}}
    return {response: {"schema": {"type": "string" if response.startswith("text/") else "object"}}}
