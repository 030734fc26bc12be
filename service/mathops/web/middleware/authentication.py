"""Authentication by bearer token (RFC 6750) or by the session of a browser, and scopes."""

from starlette.types import Receive, Scope, Send

from mathops.errors import BEARER_CHALLENGE, Forbidden, IssuerUnavailable, Unauthorized
from mathops.identity.tokens import Principal, invalid_token
from mathops.telemetry import metrics
from mathops.web.client_quota import charge_rejected_token
from mathops.web.context import HttpMiddleware, RequestContext, Resources, context_of
from mathops.web.sign_in.session import session_principal


class Authentication(HttpMiddleware):
    """Denies by default: every path requires a token, unknown ones included, unless its endpoint is public."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        endpoint = context.endpoint
        if endpoint is None or not endpoint.public:
            try:
                principal = context.principal = await _principal(scope, context)
            except (Unauthorized, IssuerUnavailable):
                metrics.AUTHENTICATION_FAILURES.inc()
                await charge_rejected_token(scope)
                raise
            scopes = endpoint.scopes if endpoint is not None else ()
            if scopes and principal.scopes.isdisjoint(scopes):
                raise Forbidden(
                    f"the token lacks the scope {' or '.join(scopes)}",
                    challenge=f'{BEARER_CHALLENGE}, error="insufficient_scope", scope="{scopes[0]}"',
                )
        await self.app(scope, receive, send)


async def _principal(scope: Scope, context: RequestContext) -> Principal:
    """The caller; raises Unauthorized or IssuerUnavailable."""
    resources = context.resources
    # A request that sends a token uses that one only.
    principal = None if b"authorization" in context.headers else session_principal(scope)
    if principal is None:
        token = bearer_token(scope)
        principal = await resources.issuers.verify(token) if resources.issuers else resources.tokens.verify(token)
    reject_revoked(resources, principal)
    return principal


def reject_revoked(resources: Resources, principal: Principal) -> None:
    """Raises Unauthorized."""
    if resources.revocations.revoked(principal.token_id):
        raise invalid_token("the token has been revoked")


def bearer_token(scope: Scope) -> str:
    """The token in the Authorization header; raises Unauthorized."""
    context = context_of(scope)
    repeated = len(context.headers) < len(scope["headers"])
    if repeated and sum(name == b"authorization" for name, _ in scope["headers"]) > 1:
        raise invalid_token("the Authorization header is repeated")
    scheme, _, token = (context.header(b"authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        # A challenge with an error is for requests that used this scheme (RFC 6750, 3.1).
        raise Unauthorized("send Authorization: Bearer <token>; get a token with POST /login")
    if not token.strip():
        raise invalid_token("the Authorization header has no bearer token")
    return token.strip()
