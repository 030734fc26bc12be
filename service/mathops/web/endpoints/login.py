"""POST /login gives a token, POST /logout ends it; and the public keys to check it with."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops.errors import InvalidParameter, Unauthorized
from mathops.identity.tokens import BEARER_CHALLENGE
from mathops.identity.users import MAX_PASSWORD_LENGTH, NAME
from mathops.web.context import context_of
from mathops.web.middleware.authentication import rate_limit_client
from mathops.web.parameters import json_object


async def login(request: Request) -> Response:
    """A token for {"user"} in the demo, for {"user", "password"} with a users file."""
    context = context_of(request.scope)
    resources = context.resources
    user, password = _credentials(await json_object(request.scope, request.receive), resources.settings.demo)
    if not resources.settings.demo:
        # Before the password is looked at: a guess over the quota learns nothing, and costs no hashing.
        await rate_limit_client(context, request.scope)
    scopes = await resources.users.scopes(user, password)
    if scopes is None:
        raise Unauthorized("the user or the password is wrong", headers={"WWW-Authenticate": BEARER_CHALLENGE})
    return JSONResponse(resources.tokens.grant(user, scopes), headers={"Cache-Control": "no-store"})


async def logout(request: Request) -> Response:
    """The caller's token is refused from now on, everywhere."""
    context = context_of(request.scope)
    resources, principal = context.resources, context.principal
    assert principal is not None
    await resources.revocations.revoke(principal.token_id, principal.expires + resources.settings.token_leeway_seconds)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def key_set(request: Request) -> Response:
    """The public keys (JWK Set, RFC 7517)."""
    keys = context_of(request.scope).resources.keys
    keys.refresh()
    return JSONResponse(keys.public(), headers={"Cache-Control": "public, max-age=60"})


def _credentials(document: dict[str, object], demo: bool) -> tuple[str, str | None]:
    user, password = document.get("user"), document.get("password")
    faults = [(name, "this member is not known here") for name in document if name not in ("user", "password")]
    if not isinstance(user, str) or not NAME.fullmatch(user):
        faults.append(("user", "send a name of 1 to 64 letters, digits, dots, dashes, underscores and @"))
    given = "" if demo and password is None else password
    if not isinstance(given, str) or len(given) > MAX_PASSWORD_LENGTH or not (given or demo):
        faults.append(("password", f"send the user's password, at most {MAX_PASSWORD_LENGTH} characters"))
    if faults:
        raise InvalidParameter([(name[:64], fault) for name, fault in faults])
    return str(user), password if isinstance(password, str) else None
