"""The paths that are no operations: login, history, probes and documents."""

from mathops.web.openapi.schemas import BODY, GUARDED, LIMITS, Json, fields, problems

_TEXT = {"type": "string"}


def login_path() -> Json:
    """POST /login."""
    name = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]*$", "maxLength": 64}
    password = {"type": ["string", "null"], "maxLength": 1024}
    credentials = {
        "type": "object",
        "additionalProperties": False,
        "required": ["user"],
        "properties": {"user": name, "password": password},
    }
    body = {"application/json": {"schema": credentials, "example": {"user": "alice"}}}
    refusals = problems(*LIMITS, *BODY, "unauthorized", "quota-exceeded", "invalid-parameter", "internal-error")
    return {
        "post": {
            "operationId": "login",
            "summary": "a token, for a user name in the demo, for user and password with a users file",
            "tags": ["identity"],
            "requestBody": {"required": True, "content": body},
            "responses": {"200": _token(), **refusals},
        }
    }


def _token() -> Json:
    properties = {
        "access_token": _TEXT,
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer"},
        "scope": _TEXT,
        "token": _TEXT,
    }
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {
        "description": "The token; `token` has the same value as `access_token`.",
        "headers": fields("Cache-Control"),
        "content": {"application/json": {"schema": schema}},
    }


def logout_path() -> Json:
    """POST /logout."""
    ended = {"description": "The token is refused from now on.", "headers": fields("Cache-Control")}
    return {
        "post": {
            "operationId": "logout",
            "summary": "end the token it is sent with, where MATHOPS_REVOCATION is on",
            "tags": ["identity"],
            "security": [{"bearer": []}],
            "responses": {"204": ended, **problems(*GUARDED, "not-found", "internal-error")},
        }
    }


def history_path() -> Json:
    """GET /history."""
    limit = {"minimum": 1, "maximum": 200, "default": 50}
    before = {"minimum": 0, "maximum": 10**18 - 1}
    refusals = problems(*GUARDED, "malformed-request", "invalid-parameter", "internal-error", "journal-unavailable")
    return {
        "get": {
            "operationId": "history",
            "summary": "the caller's own requests, newest first",
            "tags": ["history"],
            "security": [{"bearer": ["history"]}],
            "parameters": [
                _integer("limit", "records of a page", limit),
                _integer("before", "cursor, from the link of a page", before),
            ],
            "responses": {"200": _page(), **refusals},
        }
    }


def _integer(name: str, description: str, bounds: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "integer", **bounds}}


def _page() -> Json:
    records = {"type": "array", "items": {"$ref": "#/components/schemas/Record"}}
    following = {"type": ["string", "null"], "description": "path of the following page"}
    properties = {"records": records, "next": following}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {
        "description": "One page; Link leads to the following one.",
        "headers": fields("Link", "Cache-Control"),
        "content": {"application/json": {"schema": schema}},
    }


def service_paths() -> Json:
    """Probes, metrics and documents, none of which asks for a token."""
    json, text = "application/json", "text/plain"
    return {
        "/livez": _open("livez", "the process answers", json),
        "/readyz": _open("readyz", "requests can be answered and stored", json, "503"),
        "/startupz": _open("startupz", "the service has started", json),
        "/metrics": _open("metrics", "metrics in Prometheus' text format", text),
        "/openapi.json": _open("openapi", "this document", json),
        "/docs": _open("docs", "this document as a page", "text/html"),
        "/event.schema.json": _open("event_schema", "JSON Schema of a record", "application/schema+json"),
        "/.well-known/jwks.json": _open("jwks", "public keys of the tokens", json),
    }


def _open(name: str, summary: str, media_type: str, *failures: str) -> Json:
    kind = "string" if media_type.startswith("text/") else "object"
    content = {media_type: {"schema": {"type": kind}}}
    answers = {"200": {"description": summary, "headers": fields("Cache-Control"), "content": content}}
    for status in failures:
        answers[status] = {"description": f"not so: {summary}", "content": content}
    refusals = problems(*LIMITS)
    return {"get": {"operationId": name, "summary": summary, "tags": ["service"], "responses": {**refusals, **answers}}}
