"""Forms of OAuth 2 clients, and the responses to them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

CLIENT_CREDENTIALS = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientForm(Struct, kw_only=True):
    """Credentials of a client that does not send them by HTTP Basic (RFC 6749, 2.3.1; RFC 7521, 4.2)."""

    client_id: Annotated[str, Meta(description="name of the client")] | UnsetType = UNSET
    client_secret: Annotated[str, Meta(extra_json_schema={"format": "password"})] | UnsetType = UNSET
    client_assertion: Annotated[str, Meta(description="JWT signed by the client")] | UnsetType = UNSET
    client_assertion_type: Annotated[str, Meta(extra_json_schema={"enum": [ASSERTION_TYPE]})] | UnsetType = UNSET


class TokenForm(ClientForm):
    """Form of POST /token (RFC 6749, 4.4.2)."""

    grant_type: Annotated[str, Meta(extra_json_schema={"enum": [CLIENT_CREDENTIALS]})]
    scope: Annotated[str, Meta(description="space-separated; by default all scopes of the client")] | UnsetType = UNSET


class TokenReference(ClientForm):
    """Form of POST /revoke (RFC 7009, 2.1) and POST /introspect (RFC 7662, 2.1)."""

    token: Annotated[str, Meta(description="an access token")]
    token_type_hint: Annotated[str, Meta(description="ignored: all tokens are access tokens")] | UnsetType = UNSET


class ClientTokenResponse(Struct):
    """Response to a client (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(description="seconds")]
    scope: str


class Introspection(Struct):
    """State of a token (RFC 7662, 2.2); one that is not active has no further members."""

    active: bool
    scope: str | UnsetType = UNSET
    client_id: str | UnsetType = UNSET
    token_type: Literal["Bearer"] | UnsetType = UNSET
    exp: Annotated[int, Meta(description="seconds since the epoch")] | UnsetType = UNSET
    iat: Annotated[int, Meta(description="seconds since the epoch")] | UnsetType = UNSET
    sub: str | UnsetType = UNSET
    aud: str | UnsetType = UNSET
    iss: str | UnsetType = UNSET
    jti: str | UnsetType = UNSET


class ServerMetadata(Struct):
    """Authorization server metadata (RFC 8414)."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    service_documentation: str
    scopes_supported: Sequence[str]
    grant_types_supported: Sequence[str]
    # The standard requires a value, and `none` is registered for a response without a token or code.
    response_types_supported: Sequence[str]
    token_endpoint_auth_methods_supported: Sequence[str]
    token_endpoint_auth_signing_alg_values_supported: Sequence[str]
    revocation_endpoint_auth_methods_supported: Sequence[str]
    revocation_endpoint_auth_signing_alg_values_supported: Sequence[str]
    introspection_endpoint_auth_methods_supported: Sequence[str]
    introspection_endpoint_auth_signing_alg_values_supported: Sequence[str]


class OAuthError(Struct):
    """Error response to a client (RFC 6749, 5.2)."""

    error: Annotated[str, Meta(examples=["invalid_client"])]
    error_description: str
