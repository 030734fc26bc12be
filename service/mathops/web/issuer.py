"""The public address of the service: the issuer of its tokens, if that is an https URL."""

from urllib.parse import urlsplit

from starlette.requests import Request

from mathops.web.context import context_of


def issuer_of(request: Request) -> str:
    return context_of(request.scope).resources.settings.token_issuer


def is_url(issuer: str) -> bool:
    """Whether the issuer is a URL as RFC 8414, section 2, requires it."""
    try:
        host = urlsplit(issuer).hostname
    except ValueError:
        return False
    return issuer.startswith("https://") and bool(host) and "?" not in issuer and "#" not in issuer


def endpoint_url(request: Request, name: str) -> str:
    """The public URL of the route with that name."""
    return f"{issuer_of(request).rstrip('/')}{request.app.url_path_for(name)}"
