"""Documents about the service: OpenAPI, documentation page, event schema, problem pages."""

from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from mathops.errors import NotFound, problem_types
from mathops.models import encode_json, event_schema

_SCRIPT = files("mathops.web").joinpath("try.js").read_bytes()
_PUBLIC = {"Cache-Control": "public, max-age=300"}
# The pages load nothing from other hosts.
_PAGE = {
    **_PUBLIC,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
}


async def openapi(request: Request) -> Response:
    return JSONResponse(request.app.state.openapi, headers=_PUBLIC)


async def docs(request: Request) -> Response:
    return HTMLResponse(request.app.state.docs_page, headers=_PAGE)


async def script(_: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript", headers=_PAGE)


async def index(_: Request) -> Response:
    return RedirectResponse("/docs", 307, headers=_PUBLIC)


async def record_schema(_: Request) -> Response:
    return Response(encode_json(event_schema()), 200, _PUBLIC, "application/schema+json")


async def problem_page(request: Request) -> Response:
    error = problem_types().get(request.path_params["slug"])
    if error is None:
        raise NotFound("no problem type has this name")
    about = escape(" ".join((error.__doc__ or "").split()))
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{error.type}</title>'
        f"<h1>{escape(error.title)}</h1>"
        f"<p><code>{error.type}</code>, HTTP status {error.status}</p><p>{about}</p>"
    )
    return HTMLResponse(text, headers=_PAGE)
