"""Authorization server metadata (RFC 8414), by which clients find the paths for them."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import NotFound
from mathops.identity.client_keys import ALGORITHMS
from mathops.identity.oauth_documents import CLIENT_CREDENTIALS, ServerMetadata
from mathops.identity.scopes import SCOPES
from mathops.models import encode_json
from mathops.web.context import context_of
from mathops.web.endpoints.client_token import token
from mathops.web.endpoints.documents import PUBLIC
from mathops.web.endpoints.login import key_set
from mathops.web.endpoints.pages import docs
from mathops.web.endpoints.token_state import introspect, revoke
from mathops.web.issuer import endpoint_url, is_url, issuer_of
from mathops.web.negotiation import JSON
from mathops.web.oauth_client import AUTHENTICATION_METHODS, clients_of


async def server_metadata(request: Request) -> Response:
    clients_of(context_of(request.scope).resources)
    issuer = issuer_of(request)
    if not is_url(issuer):
        raise NotFound(
            "clients find this document by an https URL; set MATHOPS_TOKEN_ISSUER to one without query and fragment, "
            "such as https://math.example.com"
        )

    def url(handler: Callable[..., Any]) -> str:
        return endpoint_url(request, handler.__name__)

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
        token_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        revocation_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
        introspection_endpoint_auth_methods_supported=AUTHENTICATION_METHODS,
        introspection_endpoint_auth_signing_alg_values_supported=ALGORITHMS,
    )
    return Response(encode_json(document), headers=PUBLIC, media_type=JSON)
