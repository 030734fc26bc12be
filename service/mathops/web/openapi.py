"""The OpenAPI 3.1 document, derived from the routes."""

from collections.abc import Iterable

from mathops import __version__
from mathops.errors import problem_types
from mathops.models import schemas
from mathops.operations import Operation
from mathops.web.endpoint import Description, Endpoint
from mathops.web.openapi_components import Json, components, content, headers, query_parameter, ref

# Problem types that follow from the properties of a route.
_LIMITS = ("uri-too-long", "header-fields-too-large")
_TOKEN = ("unauthorized", "quota-exceeded", "revocation-unavailable")
_PARAMETERS = ("malformed-request", "invalid-parameter")
_BODY = (*_PARAMETERS, "content-too-large", "request-timeout", "unsupported-media-type")
_WORK = ("not-acceptable", "result-too-large", "internal-error", "journal-unavailable", "deadline-exceeded")


def document(endpoints: Iterable[Endpoint]) -> Json:
    described = [(endpoint, endpoint.description) for endpoint in endpoints if endpoint.description]
    operations = {endpoint.operation.name: endpoint.operation for endpoint, _ in described if endpoint.operation}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mathops",
            "version": __version__,
            "description": "Exact power, Fibonacci and factorial; every request is recorded.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {endpoint.path: _path(endpoint, description) for endpoint, description in described},
        "components": components(list(operations.values())),
    }


def _path(endpoint: Endpoint, description: Description) -> Json:
    methods = [method.lower() for method in ("GET", "HEAD", "POST") if method in (endpoint.methods or ())]
    if endpoint.operation is None:
        return {method: _describe(endpoint, description, method) for method in methods if method != "head"}
    return {method: _describe_operation(endpoint, endpoint.operation, description, method) for method in methods}


def _describe(endpoint: Endpoint, description: Description, method: str) -> Json:
    success: Json = {"description": description.summary, "headers": headers(*description.headers)}
    responses = {"200" if description.response else "204": success, **_problems(endpoint, description, method)}
    if description.response:
        success["content"] = content(description.response)
    if description.unavailable:
        responses["503"] = {**success, "description": description.unavailable}
    optional: Json = {}
    if description.query:
        members = schemas()[description.query.__name__]["properties"]
        optional["parameters"] = [query_parameter(name, schema) for name, schema in members.items()]
    if description.body:
        optional["requestBody"] = {"required": True, "content": content(description.body)}
    name = endpoint.path.rpartition("/")[2].removesuffix(".json").replace(".", "_")
    return {**_common(endpoint, description, name), **optional, "responses": responses}


def _describe_operation(endpoint: Endpoint, operation: Operation, description: Description, method: str) -> Json:
    responses = {"200": ref("responses", f"{operation.name}_result"), **_problems(endpoint, description, method)}
    if method == "post":
        parameters: Json = {"requestBody": ref("requestBodies", operation.name)}
    else:
        responses["304"] = ref("responses", "not_modified")
        names = [f"{operation.name}_{parameter.name}" for parameter in operation.parameters]
        parameters = {"parameters": [ref("parameters", name) for name in names]}
    if method == "head":
        responses = dict.fromkeys(responses, ref("responses", "without_content"))
    name = f"{method}_{endpoint.path.strip('/')}"
    return {**_common(endpoint, description, name), **parameters, "responses": responses}


def _common(endpoint: Endpoint, description: Description, name: str) -> Json:
    security = {} if endpoint.public else {"security": [{"bearer": [endpoint.scope] if endpoint.scope else []}]}
    return {"operationId": name, "summary": description.summary, "tags": [description.tag], **security}


def _problems(endpoint: Endpoint, description: Description, method: str) -> Json:
    """References to the problem responses of an endpoint, by status."""
    slugs = {*_LIMITS, *description.errors}
    if not endpoint.always_answered:
        slugs.add("overloaded")
    if not endpoint.public:
        slugs.update(_TOKEN)
    if endpoint.scope:
        slugs.add("insufficient-scope")
    if endpoint.operation or description.query:
        slugs.update(_PARAMETERS)
    if description.body or (endpoint.operation and method == "post"):
        slugs.update(_BODY)
    if endpoint.operation:
        slugs.update(_WORK)
    types = problem_types()
    statuses = sorted({types[slug].status for slug in slugs})
    return {str(status): ref("responses", f"problem_{status}") for status in statuses}
