"""A route of the service: where it is, who may call it, and how OpenAPI describes it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from starlette.routing import Route
from starlette.types import Scope

from mathops.operations import Operation, Parameter
from mathops.web.negotiation import JSON

# The paths to which issuers redirect browsers.
CALLBACK = "/callback/"


class Description(NamedTuple):
    """OpenAPI description; `response` is a media type, the Struct of a JSON document, or None for no content.

    `body` is the Struct of a JSON document, `form` that of a form of OAuth clients. `errors` are problem types beyond
    those that follow from the route itself, such as 401 without a token.
    """

    summary: str
    tag: str = "service"
    response: str | type[Struct] | None = JSON
    query: type[Struct] | None = None
    # The parameters of an operation as the query.
    parameters: tuple[Parameter, ...] = ()
    body: type[Struct] | None = None
    form: type[Struct] | None = None
    headers: tuple[str, ...] = ("Cache-Control",)
    errors: tuple[str, ...] = ()
    # Describes a 503 response that is not a problem document.
    unavailable: str | None = None


class Endpoint(Route):
    """Requires a valid token unless `public`, and one of `scopes` if given: of the token, or of the OAuth client.

    `always_answered` exempts it from the connection limit, `without_quota` from the quota of requests; without a
    description it is not in the OpenAPI document.
    """

    def __init__(
        self,
        path: str,
        handler: Callable[..., Any],
        description: Description | None = None,
        *,
        methods: Sequence[str] = ("GET",),
        scopes: Sequence[str] = (),
        public: bool = False,
        always_answered: bool = False,
        without_quota: bool = False,
        operation: Operation | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, handler, methods=methods, **options)
        self.description = description
        self.scopes = scopes
        self.public = public
        self.always_answered = always_answered
        self.without_quota = without_quota
        self.operation = operation
        # Methods of a path without parameters, which needs no matching.
        self.exact_methods = frozenset(() if self.param_convertors else self.methods or ())


def shown_query(scope: Scope) -> bytes:
    """The query for logs and traces; that of a callback has a secret code."""
    return b"" if CALLBACK in scope["path"] else scope["query_string"]
