"""Templates and static files of the pages, and responses that browsers revalidate by ETag."""

from functools import cache
from hashlib import blake2b
from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from mathops.web.context import context_of
from mathops.web.middleware.http_caching import is_current

_FOLDER = files("mathops.web.console")
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# Stored, but revalidated: a page of a new release must not run scripts of the previous one.
_REVALIDATED = {"Cache-Control": "public, no-cache"}
SECURITY_HEADERS = {
    # The pages load nothing from other hosts.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; "
    # default-src does not apply to these.
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    # No script may turn text into markup or code.
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@cache
def template(name: str) -> Template:
    return Template(_FOLDER.joinpath("templates", name).read_text(encoding="utf-8"))


@cache
def assets() -> dict[str, tuple[bytes, str]]:
    """Content and media type of each static file, by name."""
    return {
        file.name: (file.read_bytes(), _MEDIA_TYPES[file.name.rpartition(".")[2]])
        for file in _FOLDER.joinpath("static").iterdir()
    }


def page(title: str, content: str, root: str, script: str | None = None) -> str:
    """HTML; `root` is the URL of the service, relative to the page or with its path prefix."""
    tag = f'<script type="module" src="{escape(root)}console/{script}"></script>' if script else ""
    return template("page.html").substitute(title=escape(title), content=content, root=escape(root), script=tag)


def send(request: Request, content: str | bytes, media_type: str, vary: str = "") -> Response:
    """The content with its ETag, or 304 if the browser has it."""
    body = content.encode() if isinstance(content, str) else content
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {**SECURITY_HEADERS, **_REVALIDATED, "ETag": etag, **({"Vary": vary} if vary else {})}
    known = context_of(request.scope).header(b"if-none-match")
    if known is not None and is_current(known, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
