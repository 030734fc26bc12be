"""Authorization server metadata (RFC 8414), by which clients find the paths for them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import NotFound
from mathops.identity.oauth_documents import CLIENT_CREDENTIALS, ServerMetadata
from mathops.identity.scopes import SCOPES
from mathops.models import encode_json
from mathops.web.context import context_of
from mathops.web.endpoints.client_token import token
from mathops.web.endpoints.documents import PUBLIC, docs
from mathops.web.endpoints.login import key_set
from mathops.web.endpoints.token_state import introspect, revoke
from mathops.web.negotiation import JSON
from mathops.web.oauth_client import AUTHENTICATION_METHODS, clients_of


async def server_metadata(request: Request) -> Response:
    resources = context_of(request.scope).resources
    clients_of(resources)
    issuer = resources.settings.token_issuer
    if not _is_issuer(issuer):
        raise NotFound(
            "clients find this document by an https URL; set MATHOPS_TOKEN_ISSUER to one without query and fragment, "
            "such as https://math.example.com"
        )

    def url(handler: Callable[..., Any]) -> str:
        return f"{issuer.rstrip('/')}{request.app.url_path_for(handler.__name__)}"

    document = ServerMetadata(
        issuer=issuer,
        token_endpoint=url(token),
        revocation_endpoint=url(revoke),
        introspection_endpoint=url(introspect),
        jwks_uri=url(key_set),
        service_documentation=url(docs),
        scopes_supported=SCOPES,
        grant_types_supported=[CLIENT_CREDENTIALS],
        response_types_supported=["none"],
        token_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        revocation_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        introspection_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
    )
    return Response(encode_json(document), headers=PUBLIC, media_type=JSON)


def _is_issuer(text: str) -> bool:
    """Whether `text` is an issuer identifier of RFC 8414, section 2."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return text.startswith("https://") and bool(parts.hostname) and "?" not in text and "#" not in text
