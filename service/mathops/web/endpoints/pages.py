"""Pages for browsers: console, API page, problem types, and their static files."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mathops.errors import NotFound, problem_types
from mathops.web.console import problem_pages
from mathops.web.console.files import assets, page, send, template
from mathops.web.context import context_of
from mathops.web.endpoints.documents import PUBLIC

HTML = "text/html"
# A cache in front of the proxy must not store what another caller sent.
_ROOT_VARIES = "Accept, X-Forwarded-Prefix"


async def index(request: Request) -> Response:
    """The console for browsers, which list HTML in Accept; the API page for all others."""
    context = context_of(request.scope)
    if HTML not in (context.header(b"accept") or ""):
        return RedirectResponse(f"{context.root_path}/docs", 307, headers={**PUBLIC, "Vary": _ROOT_VARIES})
    # With the prefix, because the path of the page may lack the final slash.
    root = f"{context.root_path}/" if context.root_path else "./"
    content = page("mathops console", template("console.html").substitute(root=root), root, "console.js")
    return send(request, content, HTML, _ROOT_VARIES)


async def docs(request: Request) -> Response:
    return send(request, request.app.state.documents.page, HTML)


async def asset(request: Request) -> Response:
    found = assets().get(request.path_params["slug"])
    if found is None:
        raise NotFound("no file has this name")
    return send(request, *found)


async def problem_page(request: Request) -> Response:
    error = problem_types().get(request.path_params["slug"])
    if error is None:
        raise NotFound("no problem type has this name")
    return send(request, problem_pages.problem_page(error), HTML)
