"""What the service says of itself: OpenAPI document, documentation page, event schema, problem pages."""

from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from mathops.errors import NotFound
from mathops.models import event_schema
from mathops.web import problems
from mathops.web.pages import documentation

_PUBLIC = {"Cache-Control": "public, max-age=300"}
# The pages load nothing from elsewhere.
_PAGE = {
    **_PUBLIC,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'",
    "X-Content-Type-Options": "nosniff",
}


class Documents:
    """Answers that are made once, when the application is."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._page = documentation(document)
        self._script = files("mathops.web").joinpath("try.js").read_bytes()

    async def openapi(self, _: Request) -> Response:
        """The OpenAPI 3.1 document."""
        return JSONResponse(self._document, headers=_PUBLIC)

    async def docs(self, _: Request) -> Response:
        """The documentation page, made from that document."""
        return HTMLResponse(self._page, headers=_PAGE)

    async def script(self, _: Request) -> Response:
        """The script of the page's forms."""
        return Response(self._script, media_type="text/javascript", headers=_PAGE)


async def index(_: Request) -> Response:
    """To the documentation."""
    return RedirectResponse("/docs", 307, headers=_PUBLIC)


async def event_schema_document(_: Request) -> Response:
    """The JSON Schema of a record."""
    return Response(JSONResponse(event_schema()).body, media_type="application/schema+json", headers=_PUBLIC)


async def problem_page(request: Request) -> Response:
    """What a problem type means."""
    text = problems.page(request.path_params["slug"])
    if text is None:
        raise NotFound("there is no such problem type")
    return HTMLResponse(text, headers=_PAGE)
