"""Every route of the service, declared once."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from starlette.middleware import Middleware
from starlette.types import Receive, Scope, Send

from mathops.identity.oauth_documents import (
    ClientTokenResponse,
    Introspection,
    ServerMetadata,
    TokenForm,
    TokenReference,
)
from mathops.identity.scopes import HISTORY, INTROSPECT, MATH, operation_scope
from mathops.models import Credentials, HistoryPage, HistoryQuery, Prediction, TokenResponse
from mathops.operations import Operation
from mathops.web.context import HttpMiddleware, context_of
from mathops.web.endpoint import CALLBACK, Description, Endpoint
from mathops.web.endpoints import documents, health, login, pages
from mathops.web.endpoints.client_token import token
from mathops.web.endpoints.history_page import history
from mathops.web.endpoints.operation_endpoint import OperationEndpoint, OperationPlanning
from mathops.web.endpoints.prediction import prediction_handler
from mathops.web.endpoints.server_metadata import server_metadata
from mathops.web.endpoints.token_state import introspect, revoke
from mathops.web.middleware.http_caching import HttpCaching
from mathops.web.negotiation import JSON_SCHEMA, TEXT
from mathops.web.oauth_client import ClientHandler, Form, client_endpoint
from mathops.web.sign_in import sign_in_endpoints

_public = partial(Endpoint, public=True)
_probe = partial(Endpoint, public=True, always_answered=True)


def _client_endpoint(
    path: str,
    handler: ClientHandler[Form],
    form: type[Form],
    summary: str,
    response: type[Struct] | None,
    **options: Any,
) -> Endpoint:
    """A route whose callers authenticate as OAuth clients."""
    errors = ("not-found", "internal-error", "journal-unavailable")
    description = Description(summary, "clients", response, form=form, errors=errors)
    return Endpoint(path, client_endpoint(handler, form), description, public=True, methods=["POST"], **options)


SERVICE_ENDPOINTS = (
    _public(
        "/login",
        login.login,
        Description(
            "get a token: for a user name in the demo, for user and password with a users file",
            "identity",
            TokenResponse,
            body=Credentials,
            errors=("unauthorized", "quota-exceeded", "internal-error"),
        ),
        methods=["POST"],
    ),
    _client_endpoint("/token", token, TokenForm, "get a token for an OAuth client", ClientTokenResponse),
    _client_endpoint("/revoke", revoke, TokenReference, "revoke a token of the OAuth client", None),
    _client_endpoint(
        "/introspect",
        introspect,
        TokenReference,
        "describe a token to an OAuth client",
        Introspection,
        scopes=(INTROSPECT,),
    ),
    _public(
        "/.well-known/oauth-authorization-server",
        server_metadata,
        Description("paths for OAuth clients", "clients", ServerMetadata, errors=("not-found",)),
    ),
    Endpoint(
        "/logout",
        login.logout,
        Description("revoke the token of the request", "identity", None, errors=("not-found", "internal-error")),
        methods=["POST"],
        # A stolen token must be revocable when its thief has used up the quota.
        without_quota=True,
    ),
    Endpoint(
        "/history",
        history,
        Description(
            "the caller's own requests, newest first",
            "history",
            HistoryPage,
            query=HistoryQuery,
            headers=("Link", "Cache-Control"),
            errors=("internal-error", "journal-unavailable"),
        ),
        scopes=(HISTORY,),
    ),
    _probe("/livez", health.alive, Description("liveness: the process responds")),
    _probe("/readyz", health.ready, Description("readiness: answers and stores requests", unavailable="not ready")),
    _probe("/startupz", health.alive, Description("startup is complete")),
    _public(
        "/version",
        health.version,
        Description("version of the service, commit of its image, and host", response=health.Version),
    ),
    _public("/openapi.json", documents.openapi, Description("this document")),
    _public("/docs", pages.docs, Description("this document as a page", response="text/html")),
    _public("/event.schema.json", documents.schema, Description("JSON Schema of a record", response=JSON_SCHEMA)),
    _public("/asyncapi.json", documents.asyncapi, Description("AsyncAPI document of the events")),
    _public("/.well-known/jwks.json", login.key_set, Description("public keys of the tokens")),
    _public("/problems/{slug}", pages.problem_page),
    _public("/console/{slug}", pages.asset),
    _public("/", pages.index),
    _public("/session", sign_in_endpoints.session),
    _public("/sign-in/{slug}", sign_in_endpoints.sign_in),
    _public(f"{CALLBACK}{{slug}}", sign_in_endpoints.callback),
    Endpoint("/sign-out", sign_in_endpoints.sign_out, methods=["POST"], without_quota=True),
)


def _metrics(scope: str) -> Endpoint:
    """Public unless the settings name a scope; a quota would hide what an operator needs to see."""
    return Endpoint(
        "/metrics",
        health.metrics_page,
        Description("metrics in the Prometheus text format", response=TEXT),
        public=not scope,
        scopes=(scope,) if scope else (),
        always_answered=True,
        without_quota=True,
    )


def _prediction(operation: Operation) -> Endpoint:
    return Endpoint(
        f"/{operation.name}/plan",
        prediction_handler(operation),
        Description(
            f"size and cost of {operation.name}, predicted without computing it",
            "operations",
            Prediction,
            parameters=operation.parameters,
            errors=("internal-error",),
        ),
        scopes=(operation_scope(operation), MATH),
    )


def routes(operations: Sequence[Operation], metrics_scope: str = "") -> list[Endpoint]:
    operation_endpoints = [
        Endpoint(
            path,
            OperationEndpoint(),
            Description(operation.summary, "operations"),
            methods=["GET", "POST"],
            scopes=(operation_scope(operation), MATH),
            operation=operation,
            middleware=[Middleware(OperationPlanning), Middleware(HttpCaching)],
        )
        for operation in operations
        for path in operation.paths
    ]
    return [*operation_endpoints, *map(_prediction, operations), *SERVICE_ENDPOINTS, _metrics(metrics_scope)]


class ExactPaths(HttpMiddleware):
    """Calls endpoints without path parameters directly; Starlette's router handles the rest, 404 and 405 included."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint = context_of(scope).endpoint
        if endpoint is not None and scope["method"] in endpoint.exact_methods:
            return endpoint.app(scope, receive, send)
        return self.app(scope, receive, send)
