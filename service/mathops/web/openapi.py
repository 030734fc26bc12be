"""The OpenAPI 3.1 document, made from the operations and the problem types."""

from collections.abc import Sequence
from typing import Any

from mathops import __version__
from mathops.errors import MathopsError, problem_types
from mathops.operations import Operation, Parameter
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.record import schema
from mathops.web.endpoints.history import DEFAULT, MOST

Json = dict[str, Any]

# What authentication, limits and recording may answer on any path that asks for a token.
_GUARDED = ("unauthorized", "insufficient-scope", "uri-too-long", "quota-exceeded", "header-fields-too-large")
_BODY = ("malformed-request", "request-timeout", "content-too-large", "unsupported-media-type")
_WORK = (
    "malformed-request",
    "not-acceptable",
    "invalid-parameter",
    "internal-error",
    "overloaded",
    "deadline-exceeded",
)
_INTEGER_TEXT = "^-?(0|[1-9][0-9]*)$"


def document(operations: Sequence[Operation]) -> Json:
    """The whole document."""
    paths: Json = {}
    for operation in operations:
        for path in operation.paths:
            paths[path] = _operation_path(operation, path.strip("/"))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mathops",
            "version": __version__,
            "description": "Exact power, Fibonacci and factorial; every request is kept.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {**paths, **_login(), **_history(), **_service()},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {"Problem": _problem_schema(), "Record": _record_schema()},
        },
    }


def _operation_path(operation: Operation, name: str) -> Json:
    answers = {"200": _result(operation), **_problems(*_GUARDED, *_WORK)}
    stored = {"304": {"description": "The caller has the result already.", "headers": _named("ETag")}}
    query = [
        {
            "name": parameter.name,
            "in": "query",
            "required": True,
            "description": parameter.description,
            "schema": _integer_text(parameter),
            "example": str(parameter.example),
        }
        for parameter in operation.parameters
    ]
    body = {"required": True, "content": {"application/json": {"schema": _body(operation)}}}
    common: Json = {"summary": operation.summary, "security": [{"bearer": ["math"]}], "tags": ["operations"]}
    return {
        "get": {
            **common,
            "operationId": f"get_{name}",
            "parameters": query,
            "responses": {**answers, **stored},
        },
        "head": {
            **common,
            "operationId": f"head_{name}",
            "parameters": query,
            "responses": {
                status: {"description": answer["description"]} for status, answer in {**answers, **stored}.items()
            },
        },
        "post": {
            **common,
            "operationId": f"post_{name}",
            "requestBody": body,
            "responses": {**answers, **_problems(*_GUARDED, *_WORK, *_BODY)},
        },
    }


def _result(operation: Operation) -> Json:
    example = {parameter.name: str(parameter.example) for parameter in operation.parameters}
    value = operation.result(*(parameter.example for parameter in operation.parameters))
    text = value.text.decode()
    return {
        "description": "The exact result.",
        "headers": _named("ETag", "Cache-Control", "Cache-Status", "Server-Timing", "X-Request-ID"),
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["operation", "parameters", "result", "digits"],
                    "properties": {
                        "operation": {"const": operation.name},
                        "parameters": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": list(example),
                            "properties": {name: {"type": "string", "pattern": _INTEGER_TEXT} for name in example},
                        },
                        "result": {"type": "string", "pattern": _INTEGER_TEXT},
                        "digits": {"type": "integer", "minimum": 1},
                    },
                },
                "example": {
                    "operation": operation.name,
                    "parameters": example,
                    "result": text,
                    "digits": value.digits,
                },
            },
            "text/plain": {"schema": {"type": "string", "pattern": _INTEGER_TEXT}, "example": text},
        },
    }


def _integer_text(parameter: Parameter) -> Json:
    pattern = _INTEGER_TEXT if parameter.minimum is None else "^(0|[1-9][0-9]*)$"
    return {"type": "string", "pattern": pattern, "maxLength": MAX_PARAMETER_DIGITS}


def _body(operation: Operation) -> Json:
    integer = {
        parameter.name: {"type": "integer"} if parameter.minimum is None else {"type": "integer", "minimum": 0}
        for parameter in operation.parameters
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(integer),
        "properties": {
            parameter.name: {
                "description": parameter.description,
                "oneOf": [_integer_text(parameter), integer[parameter.name]],
            }
            for parameter in operation.parameters
        },
        "example": {parameter.name: str(parameter.example) for parameter in operation.parameters},
    }


def _login() -> Json:
    token = {"type": "string"}
    return {
        "/login": {
            "post": {
                "operationId": "login",
                "summary": "a token, for a user name in the demo, for user and password with a users file",
                "tags": ["identity"],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["user"],
                                "properties": {
                                    "user": {
                                        "type": "string",
                                        "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]*$",
                                        "maxLength": 64,
                                    },
                                    "password": {"type": ["string", "null"], "maxLength": 1024},
                                },
                            },
                            "example": {"user": "alice"},
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "The token; `token` has the same value as `access_token`.",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": [
                                        "access_token",
                                        "token_type",
                                        "expires_in",
                                        "scope",
                                        "token",
                                    ],
                                    "properties": {
                                        "access_token": token,
                                        "token_type": {"const": "Bearer"},
                                        "expires_in": {"type": "integer"},
                                        "scope": {"type": "string"},
                                        "token": token,
                                    },
                                }
                            }
                        },
                    },
                    **_problems(*_GUARDED, *_BODY, "invalid-parameter", "internal-error"),
                },
            }
        }
    }


def _history() -> Json:
    def parameter(name: str, description: str, bounds: Json) -> Json:
        return {
            "name": name,
            "in": "query",
            "description": description,
            "schema": {"type": "integer", **bounds},
        }

    page = {
        "type": "object",
        "required": ["records", "next"],
        "properties": {
            "records": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
            "next": {"type": ["string", "null"], "description": "path of the following page"},
        },
    }
    return {
        "/history": {
            "get": {
                "operationId": "history",
                "summary": "the caller's own requests, newest first",
                "tags": ["history"],
                "security": [{"bearer": ["history"]}],
                "parameters": [
                    parameter("limit", "records of a page", {"minimum": 1, "maximum": MOST, "default": DEFAULT}),
                    parameter("before", "cursor, from the link of a page", {"minimum": 0, "maximum": 10**18 - 1}),
                ],
                "responses": {
                    "200": {
                        "description": "One page; Link leads to the following one.",
                        "headers": _named("Link"),
                        "content": {"application/json": {"schema": page}},
                    },
                    **_problems(*_GUARDED, "malformed-request", "invalid-parameter", "internal-error"),
                },
            }
        }
    }


def _service() -> Json:
    def get(name: str, summary: str, media_type: str, *failures: str) -> Json:
        content = {media_type: {"schema": {"type": "string" if media_type.startswith("text/") else "object"}}}
        answers: Json = {"200": {"description": summary, "content": content}}
        for status in failures:
            answers[status] = {"description": f"not so: {summary}", "content": content}
        too_large = _problems("uri-too-long", "header-fields-too-large")
        return {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["service"],
                "responses": {**answers, **too_large},
            }
        }

    return {
        "/livez": get("livez", "the process answers", "application/json"),
        "/readyz": get("readyz", "requests can be answered and stored", "application/json", "503"),
        "/startupz": get("startupz", "the service has started", "application/json"),
        "/metrics": get("metrics", "metrics in Prometheus' text format", "text/plain"),
        "/openapi.json": get("openapi", "this document", "application/json"),
        "/docs": get("docs", "this document as a page", "text/html"),
        "/event.schema.json": get("event_schema", "JSON Schema of a record", "application/schema+json"),
        "/.well-known/jwks.json": get("jwks", "public keys of the tokens", "application/json"),
    }


def _problems(*slugs: str) -> Json:
    by_status: dict[int, list[type[MathopsError]]] = {}
    types = problem_types()
    for slug in sorted({*slugs, *(["result-too-large", "journal-unavailable"] if "overloaded" in slugs else [])}):
        by_status.setdefault(types[slug].status, []).append(types[slug])
    return {
        str(status): {
            "description": "; ".join(f"{error.title} ({error.type})" for error in by_status[status]),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(by_status)
    }


def _named(*names: str) -> Json:
    return {name: {"schema": {"type": "string"}} for name in names}


def _problem_schema() -> Json:
    return {
        "type": "object",
        "description": "RFC 9457; further members depend on the type.",
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
        "properties": {
            "type": {"enum": sorted(f"/problems/{slug}" for slug in problem_types())},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "request_id": {"type": "string"},
            "trace_id": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"parameter": {"type": "string"}, "detail": {"type": "string"}},
                },
            },
            "predicted_digits": {"type": ["integer", "null"]},
            "limit_digits": {"type": "integer"},
        },
    }


def _record_schema() -> Json:
    return {key: value for key, value in schema().items() if not key.startswith("$")}
