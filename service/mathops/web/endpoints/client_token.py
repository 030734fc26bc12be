"""Tokens for OAuth 2 clients: the grant client_credentials (RFC 6749, 4.4)."""

import base64
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops.errors import NotFound, QuotaExceeded
from mathops.identity.scopes import includes
from mathops.identity.tokens import client_subject
from mathops.models import MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH, encode_json
from mathops.ports import Users
from mathops.telemetry import metrics
from mathops.web.client_quota import charge_login
from mathops.web.context import NO_STORE, context_of
from mathops.web.negotiation import JSON

_FORM = "application/x-www-form-urlencoded"
_GRANT = "client_credentials"
_MAX_FIELDS = 32
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="mathops"'}


class TokenError(Exception):
    """An error of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        document = {"error": error, "error_description": description}
        self.response = JSONResponse(document, status, {**NO_STORE, **(headers or {})})


async def token(request: Request) -> Response:
    resources = context_of(request.scope).resources
    if resources.clients is None:
        raise NotFound("OAuth clients are off; set MATHOPS_CLIENTS_FILE")
    try:
        form = await _form(request)
        name, allowed = await _authenticate(request, form, resources.clients)
        if form.get("grant_type") != _GRANT:
            error = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
            raise TokenError(error, f"send grant_type={_GRANT}")
        scopes = form.get("scope", "").split() or allowed
        if not includes(allowed, scopes):
            raise TokenError("invalid_scope", "the client may not have one of these scopes")
    except TokenError as error:
        return error.response
    except QuotaExceeded as error:
        headers = {"Retry-After": str(error.retry_after)}
        return TokenError("invalid_request", "too many token requests of this client", 429, headers).response
    return Response(encode_json(resources.tokens.client_token(name, list(dict.fromkeys(scopes)))), 200, NO_STORE, JSON)


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise TokenError("invalid_request", f"send the parameters as Content-Type: {_FORM}")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise TokenError("invalid_request", "the form is malformed") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenError("invalid_request", "a parameter is repeated")
    return form


async def _authenticate(request: Request, form: dict[str, str], clients: Users) -> tuple[str, list[str]]:
    """Name and allowed scopes of the client."""
    name, secret = _credentials(request, form)
    if 0 < len(name) <= MAX_NAME_LENGTH and 0 < len(secret) <= MAX_PASSWORD_LENGTH:
        await charge_login(request.scope, client_subject(name))
        scopes = await clients.authenticate(name, secret)
        if scopes is not None:
            return name, scopes
    raise _invalid_client()


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    headers = request.headers.getlist("authorization")
    if not headers:
        return form.get("client_id", ""), form.get("client_secret", "")
    if len(headers) > 1 or "client_secret" in form:
        raise TokenError("invalid_request", "send the client secret once")
    scheme, _, encoded = headers[0].partition(" ")
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
        # Both parts are form-encoded (RFC 6749, 2.3.1).
        name, secret = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise _invalid_client() from None
    if scheme.lower() != "basic":
        raise _invalid_client()
    if form.get("client_id", name) != name:
        raise TokenError("invalid_request", "client_id names another client")
    return name, secret


def _invalid_client() -> TokenError:
    metrics.AUTHENTICATION_FAILURES.inc()
    return TokenError("invalid_client", "unknown client or wrong secret", 401, _CHALLENGE)
