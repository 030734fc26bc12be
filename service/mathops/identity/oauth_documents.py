"""Forms of OAuth 2 clients, and the responses to them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

CLIENT_CREDENTIALS = "client_credentials"


class ClientForm(Struct, kw_only=True):
    """Credentials of a client that does not send them by HTTP Basic (RFC 6749, 2.3.1)."""

    client_id: Annotated[str, Meta(description="name of the client")] | UnsetType = UNSET
    client_secret: Annotated[str, Meta(extra_json_schema={"format": "password"})] | UnsetType = UNSET


class TokenForm(ClientForm):
    """Form of POST /token (RFC 6749, 4.4.2)."""

    grant_type: Annotated[str, Meta(extra_json_schema={"enum": [CLIENT_CREDENTIALS]})]
    scope: Annotated[str, Meta(description="space-separated; by default all scopes of the client")] | UnsetType = UNSET


class ClientTokenResponse(Struct):
    """Response to a client (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(description="seconds")]
    scope: str


class OAuthError(Struct):
    """Error response to a client (RFC 6749, 5.2)."""

    error: Annotated[str, Meta(examples=["invalid_client"])]
    error_description: str
