"""The address by which browsers reach the service."""

import re
from urllib.parse import urlsplit

from starlette.types import Scope

from mathops.errors import MalformedRequest, SignInRejected
from mathops.identity.issuers.issuers_file import LOOPBACK
from mathops.web.context import context_of
from mathops.web.issuer import is_url

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?")


def public_url(scope: Scope) -> str:
    """Without a slash at its end: MATHOPS_TOKEN_ISSUER if that is an https URL, else the address of the request."""
    context = context_of(scope)
    issuer = context.resources.settings.token_issuer
    if is_url(issuer):
        return issuer.rstrip("/")
    host = context.header(b"host") or ""
    if not _HOST.fullmatch(host):
        raise MalformedRequest("the header Host is not a host name or address")
    return f"{scope['scheme']}://{host}{context.root_path}"


def origin_of(url: str) -> str:
    """As browsers write it in the Origin header."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_secure(url: str) -> bool:
    return url.startswith("https://")


def require_secure_context(url: str) -> None:
    """Elsewhere browsers send no Fetch Metadata, and cookies could be read on their way; raises SignInRejected."""
    if not is_secure(url) and urlsplit(url).hostname not in LOOPBACK:
        raise SignInRejected(
            "sign-in needs https: set FORWARDED_ALLOW_IPS to the proxy that sends X-Forwarded-Proto, "
            "or MATHOPS_TOKEN_ISSUER to the https URL of the service"
        )
