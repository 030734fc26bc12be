"""Tokens of OAuth 2 clients: the grant client_credentials (RFC 6749, 4.4)."""

from mathops.identity.oauth_documents import CLIENT_CREDENTIALS, ClientTokenResponse, TokenForm
from mathops.identity.scopes import includes
from mathops.web.oauth_client import ClientError, ClientRequest


async def token(request: ClientRequest[TokenForm]) -> ClientTokenResponse:
    if request.form.grant_type != CLIENT_CREDENTIALS:
        raise ClientError("unsupported_grant_type", f"send grant_type={CLIENT_CREDENTIALS}")
    scopes = (request.form.scope or "").split() or request.allowed
    if not includes(request.allowed, scopes):
        raise ClientError("invalid_scope", "the client may not have one of these scopes")
    return request.resources.tokens.client_token(request.name, list(dict.fromkeys(scopes)))
