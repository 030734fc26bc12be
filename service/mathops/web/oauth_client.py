"""Requests of OAuth 2 clients: form, authentication and errors (RFC 6749)."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Generic, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from msgspec import Struct
from msgspec.structs import fields
from starlette.requests import Request
from starlette.responses import Response

from mathops.errors import NotFound, QuotaExceeded
from mathops.identity.assertions import claimed_client
from mathops.identity.oauth_documents import ASSERTION_TYPE, ClientForm, OAuthError
from mathops.identity.tokens import client_subject
from mathops.models import MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH, encode_json
from mathops.ports import Clients
from mathops.telemetry import metrics
from mathops.web.client_quota import charge_login, refund_login
from mathops.web.context import NO_STORE, Resources, context_of
from mathops.web.issuer import endpoint_url, is_url, issuer_of
from mathops.web.negotiation import FORM, JSON

# Names registered for the credentials that _authenticate accepts.
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
# Name of the route of the token endpoint.
TOKEN = "token"  # noqa: S105 - of a route
_ASSERTION_PARAMETERS = ("client_assertion", "client_assertion_type")
_MAX_FIELDS = 32
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="mathops"'}

Form = TypeVar("Form", bound=ClientForm)


class ClientError(Exception):
    """An error response to a client (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        content = encode_json(OAuthError(error, description))
        self.response = Response(content, status, {**NO_STORE, **(headers or {})}, JSON)


@dataclass(frozen=True, slots=True)
class ClientRequest(Generic[Form]):
    """A request of the authenticated client `name`, which may have the scopes `allowed`."""

    resources: Resources
    name: str
    allowed: list[str]
    form: Form


ClientHandler = Callable[[ClientRequest[Form]], Awaitable[Struct | None]]


def client_endpoint(handler: ClientHandler[Form], kind: type[Form]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that authenticates the client, calls `handler`, and sends the document that it returns."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        resources = context_of(request.scope).resources
        clients = clients_of(resources)
        try:
            form = await _form(request)
            name, allowed = await _authenticate(request, form, clients)
            _require_scope(request, allowed)
            document = await handler(ClientRequest(resources, name, allowed, _document(form, kind)))
        except ClientError as error:
            return error.response
        except QuotaExceeded as error:
            headers = {"Retry-After": str(error.retry_after)}
            return ClientError("invalid_request", "too many failed attempts of this client", 429, headers).response
        return Response(None if document is None else encode_json(document), 200, NO_STORE, JSON)

    return endpoint


def clients_of(resources: Resources) -> Clients:
    """Raises NotFound."""
    if resources.clients is None:
        raise NotFound("OAuth clients are off; set MATHOPS_CLIENTS_FILE")
    return resources.clients


def _require_scope(request: Request, allowed: list[str]) -> None:
    endpoint = context_of(request.scope).endpoint
    scopes = endpoint.scopes if endpoint is not None else ()
    if scopes and not set(scopes) & set(allowed):
        raise ClientError("insufficient_scope", f"the client lacks the scope {' or '.join(scopes)}", 403)


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise ClientError("invalid_request", f"send the parameters as Content-Type: {FORM}")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise ClientError("invalid_request", "the form is malformed") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ClientError("invalid_request", "a parameter is repeated")
    # A parameter without a value is treated as absent (RFC 6749, 3.2).
    return {name: value for name, value in form.items() if value}


def _document(form: dict[str, str], kind: type[Form]) -> Form:
    members = fields(kind)
    if missing := [member.name for member in members if member.required and member.name not in form]:
        raise ClientError("invalid_request", f"send the parameter {missing[0]}")
    return kind(**{member.name: form[member.name] for member in members if member.name in form})


async def _authenticate(request: Request, form: dict[str, str], clients: Clients) -> tuple[str, list[str]]:
    """Name and allowed scopes of the client."""
    if form.keys().isdisjoint(_ASSERTION_PARAMETERS):
        name, credential = _credentials(request, form)
        authenticate: Callable[[str, str], Awaitable[list[str] | None]] = clients.authenticate
    else:
        name, credential = _assertion(request, form)
        authenticate = partial(clients.authenticate_by_assertion, audiences=_audiences(request))
    if name and credential:
        await charge_login(request.scope, client_subject(name))
        scopes = await authenticate(name, credential)
        if scopes is not None:
            # Only failures count: a resource server sends many requests in a minute.
            await refund_login(request.scope, client_subject(name))
            return name, scopes
    raise _invalid_client()


def _audiences(request: Request) -> set[str]:
    issuer = issuer_of(request)
    return {issuer, endpoint_url(request, TOKEN)} if is_url(issuer) else {issuer}


def _assertion(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """The client that an assertion names, and the assertion."""
    if "client_secret" in form or "authorization" in request.headers:
        raise ClientError("invalid_request", "authenticate by one method")
    assertion = form.get("client_assertion", "")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _invalid_client()
    name = claimed_client(assertion)
    if form.get("client_id", name) != name:
        raise _invalid_client()
    return name, assertion


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    headers = request.headers.getlist("authorization")
    if not headers:
        return _possible(form.get("client_id", ""), form.get("client_secret", ""))
    if len(headers) > 1 or "client_secret" in form:
        raise ClientError("invalid_request", "send the client secret once")
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
        raise ClientError("invalid_request", "client_id names another client")
    return _possible(name, secret)


def _possible(name: str, secret: str) -> tuple[str, str]:
    """Name and secret unless one is too long; hashing takes longer for longer texts."""
    return (name, secret) if len(name) <= MAX_NAME_LENGTH and len(secret) <= MAX_PASSWORD_LENGTH else ("", "")


def _invalid_client() -> ClientError:
    metrics.AUTHENTICATION_FAILURES.inc()
    return ClientError("invalid_client", "unknown client or wrong credentials", 401, _CHALLENGE)
