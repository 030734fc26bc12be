"""Revocation (RFC 7009) and introspection (RFC 7662) of tokens by OAuth clients."""

from mathops.errors import Unauthorized
from mathops.identity.oauth_documents import Introspection, TokenReference
from mathops.identity.tokens import Principal, client_subject
from mathops.web.context import Resources
from mathops.web.oauth_client import ClientError, ClientRequest


async def revoke(request: ClientRequest[TokenReference]) -> None:
    resources = request.resources
    principal = _active(resources, request.form.token)
    # The response for an unknown token is the same (RFC 7009, 2.2).
    if principal is None:
        return
    if principal.user != client_subject(request.name):
        raise ClientError("invalid_grant", "the token belongs to another client")
    await resources.revocations.revoke(principal.token_id, principal.expires + resources.settings.token_leeway_seconds)


async def introspect(request: ClientRequest[TokenReference]) -> Introspection:
    principal = _active(request.resources, request.form.token)
    return request.resources.tokens.introspection(principal) if principal else Introspection(active=False)


def _active(resources: Resources, token: str) -> Principal | None:
    """The owner of a token, or None if it is invalid, expired or revoked."""
    try:
        principal = resources.tokens.verify(token)
    except Unauthorized:
        return None
    return None if resources.revocations.revoked(principal.token_id) else principal
