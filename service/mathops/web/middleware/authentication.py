"""Asks for a bearer token everywhere but on the public paths (RFC 6750)."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.errors import BEARER_CHALLENGE, Forbidden, Unauthorized
from mathops.identity.tokens import Principal, invalid_token
from mathops.ports import quota_exceeded
from mathops.telemetry import metrics
from mathops.web.context import RequestContext, context_of

PUBLIC_PATHS = frozenset(
    {
        "/",
        "/login",
        "/livez",
        "/readyz",
        "/startupz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/try.js",
        "/event.schema.json",
        "/.well-known/jwks.json",
    }
)
PUBLIC_PREFIX = "/problems/"


def client_address(scope: Scope) -> str:
    """The caller's address, as far as the server knows it."""
    client = scope.get("client")
    return client[0] if client else "unknown"


async def rate_limit_client(context: RequestContext, scope: Scope) -> None:
    """Count a refused token or a login by password against the caller's address; raises QuotaExceeded."""
    quota = await context.resources.rate_limiter.charge("unauthenticated", client_address(scope))
    if quota is not None and not quota.allowed:
        # A flood of refusals is not to become a flood of commits.
        context.recorded = False
        raise quota_exceeded(quota, f"{quota.limit} refused tokens and logins in {quota.window} s")


class Authentication:
    """Denies by default; `scopes` maps paths to the scope that they need."""

    def __init__(self, app: ASGIApp, scopes: Mapping[str, str]) -> None:
        self.app = app
        self.scopes = scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"]
        if path not in PUBLIC_PATHS and not path.startswith(PUBLIC_PREFIX):
            await self._authenticate(scope, path)
        await self.app(scope, receive, send)

    async def _authenticate(self, scope: Scope, path: str) -> None:
        context = context_of(scope)
        try:
            token = bearer_token(scope)
            with context.resources.tracing.span("verify token"):
                principal = context.resources.tokens.verify(token)
            if await context.resources.revocations.revoked(principal.token_id):
                raise invalid_token("the token has been revoked")
        except Unauthorized:
            metrics.AUTHENTICATION_FAILURES.inc()
            await rate_limit_client(context, scope)
            raise
        context.principal = principal
        self._authorize(principal, path)

    def _authorize(self, principal: Principal, path: str) -> None:
        needed = self.scopes.get(path)
        if needed is not None and needed not in principal.scopes:
            raise Forbidden(
                f"the token has no scope {needed}",
                challenge=f'{BEARER_CHALLENGE}, error="insufficient_scope", scope="{needed}"',
            )


def bearer_token(scope: Scope) -> str:
    """The token of the one Authorization field; raises Unauthorized."""
    context = context_of(scope)
    field = context.field(b"authorization")
    if field is None:
        raise Unauthorized("send Authorization: Bearer <token>; get a token with POST /login")
    repeated = len(context.fields) < len(scope["headers"])
    if repeated and sum(name == b"authorization" for name, _ in scope["headers"]) > 1:
        raise invalid_token("there is more than one Authorization field")
    scheme, _, token = field.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise invalid_token("the Authorization field has no bearer token")
    return token.strip()
