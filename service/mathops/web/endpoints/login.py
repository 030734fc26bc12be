"""Login, logout and the public keys of tokens."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops.errors import Unauthorized
from mathops.models import Credentials, PasswordCredentials, encode_json
from mathops.telemetry import metrics
from mathops.web.client_quota import charge_login
from mathops.web.context import NO_STORE, context_of
from mathops.web.negotiation import JSON
from mathops.web.parameters import json_object, validated


async def login(request: Request) -> Response:
    context = context_of(request.scope)
    resources = context.resources
    kind = Credentials if resources.settings.demo else PasswordCredentials
    credentials = validated(await json_object(request.scope, request.receive), kind)
    if not resources.settings.demo:
        # Before the password is checked, because hashing is expensive and a guess beyond the quota must fail.
        await charge_login(request.scope, credentials.user)
    scopes = await resources.users.authenticate(credentials.user, credentials.password)
    if scopes is None:
        metrics.AUTHENTICATION_FAILURES.inc()
        raise Unauthorized("wrong user or password")
    return Response(encode_json(resources.tokens.token_response(credentials.user, scopes)), 200, NO_STORE, JSON)


async def logout(request: Request) -> Response:
    context = context_of(request.scope)
    resources, principal = context.resources, context.principal
    assert principal is not None
    await resources.revocations.revoke(principal.token_id, principal.expires + resources.settings.token_leeway_seconds)
    return Response(status_code=204, headers=NO_STORE)


async def key_set(request: Request) -> Response:
    """JWK Set (RFC 7517)."""
    keys = context_of(request.scope).resources.keys
    keys.refresh()
    return JSONResponse(keys.public(), headers={"Cache-Control": "public, max-age=60"})
