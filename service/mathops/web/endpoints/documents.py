"""Documents about the service: OpenAPI, documentation page, event schema, problem pages."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from mathops.errors import NotFound, problem_types
from mathops.events.asyncapi import document as asyncapi_document
from mathops.models import encode_json
from mathops.schemas import event_schema
from mathops.web.context import context_of
from mathops.web.endpoint import Endpoint
from mathops.web.negotiation import JSON, JSON_SCHEMA
from mathops.web.openapi import document as openapi_document
from mathops.web.openapi_parts import Json

PUBLIC = {"Cache-Control": "public, max-age=300"}
# The prefix of links is that of this header. A cache in front of the proxy must not store what another caller sent.
_PREFIXED = {**PUBLIC, "Vary": "X-Forwarded-Prefix"}
# The pages load nothing from other hosts.
_PAGE = {
    **PUBLIC,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    # default-src does not apply to these.
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
# Of the login form, for password managers.
_ATTRIBUTES = {
    "user": ' autocomplete="username"',
    "password": ' type="password" autocomplete="current-password"',
}
_TEMPLATE = Template(files("mathops.web").joinpath("docs.html").read_text(encoding="utf-8"))

script = Response(files("mathops.web").joinpath("try.js").read_bytes(), headers=_PAGE, media_type="text/javascript")
schema = Response(encode_json(event_schema()), headers=PUBLIC, media_type=JSON_SCHEMA)


async def asyncapi(request: Request) -> Response:
    topic = context_of(request.scope).resources.settings.kafka_topic
    return JSONResponse(asyncapi_document(topic), headers=PUBLIC)


class Documents:
    """The description of the API, made at its first request."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints

    @cached_property
    def openapi(self) -> Json:
        return openapi_document(self._endpoints)

    @cached_property
    def page(self) -> str:
        return _page(self.openapi)


async def index(request: Request) -> Response:
    return RedirectResponse(f"{context_of(request.scope).root_path}/docs", 307, headers=_PREFIXED)


async def openapi(request: Request) -> Response:
    root_path = context_of(request.scope).root_path
    servers = {"servers": [{"url": root_path}]} if root_path else {}
    return JSONResponse({**request.app.state.documents.openapi, **servers}, headers=_PREFIXED)


async def docs(request: Request) -> Response:
    return HTMLResponse(request.app.state.documents.page, headers=_PAGE)


async def problem_page(request: Request) -> Response:
    error = problem_types().get(request.path_params["slug"])
    if error is None:
        raise NotFound("no problem type has this name")
    about = escape(" ".join((error.__doc__ or "").split()))
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{error.type}</title>'
        f"<h1>{escape(error.title)}</h1><p><code>{error.type}</code>, HTTP status {error.status}</p><p>{about}</p>"
    )
    return HTMLResponse(text, headers=_PAGE)


def _page(document: Json) -> str:
    """HTML with every path, its parameters and responses, and a form to send a request."""
    info = {name: escape(document["info"][name]) for name in ("title", "version", "description")}
    sections = [
        _section(document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]
    return _TEMPLATE.substitute(info, sections="\n".join(sections))


def _section(document: Json, path: str, method: str, operation: Json) -> str:
    alternatives = [scope for required in operation.get("security", []) for scope in required.get("bearer", [])]
    scopes = f"; scope {' or '.join(alternatives)}" if alternatives else ""
    responses = "".join(
        f"<tr><td>{status}</td><td>{escape(_resolve(document, response)['description'])}</td></tr>"
        for status, response in operation["responses"].items()
    )
    inputs = "".join(
        f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(value)}" title="{escape(about)}"'
        f"{attributes}></label>"
        for name, attributes, value, about in _inputs(document, operation)
    )
    form = f'<form data-path="{escape(path)}">{inputs}<button>Send</button><output></output></form>'
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}{escape(scopes)}</p>{form if method == 'get' or path == '/login' else ''}"
        f"<details><summary>Responses</summary><table>{responses}</table></details></section>"
    )


def _inputs(document: Json, operation: Json) -> Iterator[tuple[str, str, str, str]]:
    """Name, further attributes, initial value and description of each parameter or member of the body."""
    for parameter in operation.get("parameters", []):
        default = parameter["schema"].get("default", "")
        yield parameter["name"], "", str(parameter.get("example", default)), parameter["description"]
    content = operation.get("requestBody", {}).get("content", {})
    if JSON in content:
        body = _resolve(document, content[JSON]["schema"])
        for name, member in body["properties"].items():
            yield name, _ATTRIBUTES.get(name, ""), member.get("examples", [""])[0], member["description"]


def _resolve(document: Json, part: Json) -> Json:
    """The component that `part` refers to, or `part`."""
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].split("/")[2:]
    component: Json = document["components"][kind][name]
    return component
