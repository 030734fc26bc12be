"""Routes of the sign-in: to the issuer, back from it, the state of the session, and its end."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mathops.errors import InvalidParameter, IssuerUnavailable, NotFound, SignInRejected, Unauthorized
from mathops.identity.tokens import Principal
from mathops.models import encode_json
from mathops.telemetry import metrics
from mathops.web.client_quota import charge_login, refund_login
from mathops.web.context import NO_STORE, context_of
from mathops.web.endpoint import CALLBACK
from mathops.web.middleware.authentication import reject_revoked
from mathops.web.negotiation import JSON
from mathops.web.parameters import parse_query, validated
from mathops.web.sign_in.cookies import MAX_CHARACTERS, Cookie
from mathops.web.sign_in.failure_page import with_failure_page
from mathops.web.sign_in.pending_sign_in import PendingSignIn, keep, take
from mathops.web.sign_in.public_address import public_url, require_secure_context
from mathops.web.sign_in.session import session_cookie, session_principal

if TYPE_CHECKING:
    # Importing Authlib takes 30 ms.
    from mathops.identity.issuers.sign_in_client import SignInClient

_ID_TOKEN = "mathops-id-token"  # noqa: S105 - the name of a cookie
_SIGN_OUT = "/sign-out"


class SignInQuery(Struct):
    """Where the browser returns to. A list, so that no link leads to another site."""

    next: Annotated[Literal["/", "/docs"], Meta(description="the path of the page to return to, / or /docs")] = "/"


class SignInOption(Struct):
    """An issuer for signing in."""

    label: str
    path: str


class Session(Struct):
    """The user of the session with a name for display, or null, and the issuers for signing in."""

    user: str | None
    name: str | None
    scope: str | None
    expires: int | None
    sign_in: list[SignInOption]


class SignedOut(Struct):
    """`end_session_url` is the page that signs the user out at the issuer, or null."""

    end_session_url: str | None


async def session(request: Request) -> Response:
    context = context_of(request.scope)
    resources = context.resources
    clients = resources.issuers.sign_in_clients if resources.issuers else {}
    principal = None
    try:
        principal = _current(request)
    except Unauthorized:
        session_cookie(public_url(request.scope)).delete(request.scope)
    options = [SignInOption(client.settings.label, f"/sign-in/{name}") for name, client in clients.items()]
    body = Session(None, None, None, None, options)
    if principal:
        scope = " ".join(sorted(principal.scopes))
        body = Session(principal.user, principal.name, scope, principal.expires, options)
    return Response(encode_json(body), headers=NO_STORE, media_type=JSON)


def _current(request: Request) -> Principal | None:
    """Raises Unauthorized."""
    principal = session_principal(request.scope)
    if principal:
        reject_revoked(context_of(request.scope).resources, principal)
    return principal


@with_failure_page
async def sign_in(request: Request) -> Response:
    """Redirects to the issuer."""
    values, errors = parse_query(request.scope["query_string"])
    client = _client(request)
    if errors:
        raise InvalidParameter(errors)
    query = validated(values, SignInQuery)
    url = public_url(request.scope)
    require_secure_context(url)
    path = CALLBACK + client.settings.id
    asked = await client.begin(url + path)
    keep(request.scope, url, path, PendingSignIn(asked.state, asked.nonce, asked.code_verifier, query.next))
    return RedirectResponse(asked.url, 303, NO_STORE)


@with_failure_page
async def callback(request: Request) -> Response:
    """Where the issuer redirects the browser to."""
    try:
        target = await _signed_in(request)
    except (SignInRejected, IssuerUnavailable) as error:
        metrics.SIGN_INS.labels("rejected" if isinstance(error, SignInRejected) else "unavailable").inc()
        raise
    metrics.SIGN_INS.labels("ok").inc()
    return RedirectResponse(target, 303, NO_STORE)


async def _signed_in(request: Request) -> str:
    client, url = _client(request), public_url(request.scope)
    path = CALLBACK + client.settings.id
    values, errors = parse_query(request.scope["query_string"])
    pending = take(request.scope, url, path, values.get("state", "")) if not errors else None
    if pending is None:
        raise SignInRejected("this browser did not start the sign-in, or more than 10 minutes ago; start again")
    await client.check_issuer(values.get("iss"))
    if "error" in values or "code" not in values:
        raise SignInRejected(f"the issuer refused: {values.get('error', 'no reason given')!a:.100}")
    # Anyone can send invented codes, and each causes a request to the issuer.
    await charge_login(request.scope, client.settings.id)
    principal, id_token = await client.finish(values["code"], pending.code_verifier, pending.nonce, url + path)
    await refund_login(request.scope, client.settings.id)
    if not principal.scopes:
        raise SignInRejected("the account has no role or group that permits the use of this service")
    _start_session(request, url, principal, id_token)
    return url + pending.next


def _start_session(request: Request, url: str, principal: Principal, id_token: str) -> None:
    resources = context_of(request.scope).resources
    token = resources.tokens.issue(principal.user, sorted(principal.scopes), name=principal.name)
    if len(token) > MAX_CHARACTERS:
        raise SignInRejected("the name of the user is too long for a cookie")
    seconds = resources.settings.token_lifetime_seconds
    session_cookie(url).set(request.scope, token, seconds)
    if len(id_token) <= MAX_CHARACTERS:
        # The issuer signs the user out without a question if it gets the token back.
        Cookie(url, _ID_TOKEN, _SIGN_OUT).set(request.scope, id_token, seconds)


async def sign_out(request: Request) -> Response:
    context = context_of(request.scope)
    resources, principal, url = context.resources, context.principal, public_url(request.scope)
    assert principal is not None
    hint = Cookie(url, _ID_TOKEN, _SIGN_OUT)
    id_token = next(iter(hint.values(request.scope)), None)
    # First, because the issuer may be slow.
    await resources.revocations.revoke(principal.token_id, principal.expires + resources.settings.token_leeway_seconds)
    client = resources.issuers and resources.issuers.sign_in_client_of(principal.user)
    address = await client.end_session_url(f"{url}/", id_token) if client else None
    for cookie in (session_cookie(url), hint):
        cookie.delete(request.scope)
    return Response(encode_json(SignedOut(address)), headers=NO_STORE, media_type=JSON)


def _client(request: Request) -> "SignInClient":
    issuers = context_of(request.scope).resources.issuers
    client = issuers and issuers.sign_in_clients.get(request.path_params["slug"])
    if not client:
        raise NotFound("no issuer for signing in has this name")
    return client
