"""The OAuth client by which people sign in through an external issuer: authorization code with PKCE, by Authlib."""

import asyncio
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

# Importing it takes 30 ms; only issuers with sign_in have a client.
from authlib.integrations.starlette_client import OAuthError, StarletteOAuth2App

from mathops.errors import IssuerUnavailable, SignInRejected, Unauthorized
from mathops.identity.issuers.discovery import Endpoints, client_options, fetch_endpoints, time_limit
from mathops.identity.issuers.external_tokens import ExternalTokens
from mathops.identity.issuers.issuers_file import SignIn
from mathops.identity.issuers.key_cache import REFRESH_SECONDS
from mathops.identity.tokens import Principal
from mathops.telemetry.logs import get_logger

# Servers and proxies accept URLs of 8 KiB in all.
_MAX_HINT_CHARACTERS = 4096
_UNAVAILABLE = "the issuer cannot be reached, or its response is invalid; the log has the reason; try again"

log = get_logger(__name__)


class AuthorizationRequest(NamedTuple):
    """`url` is the page of the issuer; the other members stay with the browser until the issuer redirects it back."""

    url: str
    state: str
    nonce: str
    code_verifier: str


class _Found(NamedTuple):
    """Endpoints, and the client of Authlib that uses them."""

    endpoints: Endpoints
    app: Any


class SignInClient:
    """`tokens` verifies the ID tokens of the issuer; after a failed discovery the next follows after `interval`."""

    def __init__(self, settings: SignIn, tokens: ExternalTokens, interval: float) -> None:
        self.settings = settings
        self._interval = interval
        self._issuer = tokens.issuer
        self._tokens = tokens
        self._lock = asyncio.Lock()
        self._found: _Found | None = None
        self._fetch_at = 0.0

    async def begin(self, redirect_uri: str) -> AuthorizationRequest:
        """Raises IssuerUnavailable."""
        _, app = await self._current()
        return AuthorizationRequest(**await app.create_authorization_url(redirect_uri))

    async def check_issuer(self, issuer: str | None) -> None:
        """Of a redirect (RFC 9207): another one may want a code of this issuer; raises SignInRejected."""
        endpoints, _ = await self._current()
        if issuer != self._issuer.url and (endpoints.names_issuer or issuer is not None):
            raise SignInRejected("the response is from another issuer; start again")

    async def finish(self, code: str, code_verifier: str, nonce: str, redirect_uri: str) -> tuple[Principal, str]:
        """The user and the ID token; raises SignInRejected or IssuerUnavailable."""
        id_token = await self._id_token(code=code, code_verifier=code_verifier, redirect_uri=redirect_uri)
        try:
            return await self._tokens.verify_id_token(id_token, self.settings.client_id, nonce), id_token
        except Unauthorized as error:
            raise SignInRejected(f"the ID token was rejected: {error.detail.partition(';')[0]}") from None

    async def end_session_url(self, return_url: str, id_token: str | None) -> str | None:
        """The page of the issuer for signing out (OpenID Connect RP-Initiated Logout 1.0), if it has one."""
        try:
            endpoints, _ = await self._current()
        except IssuerUnavailable:
            return None
        if (address := endpoints.end_session) is None:
            return None
        hint = {"id_token_hint": id_token} if id_token and len(id_token) <= _MAX_HINT_CHARACTERS else {}
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": return_url, **hint}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def _id_token(self, **request: str) -> str:
        try:
            async with time_limit():
                _, app = await self._current()
                token = (await app.fetch_access_token(**request)).get("id_token")
        except IssuerUnavailable:
            raise
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise SignInRejected("the issuer does not accept the code, or not any more; start again") from None
            # The secret may have changed.
            self._fetch_at = 0.0
            raise self._unavailable(f"the token endpoint refused the client: {error.error!r:.100}") from None
        except Exception as error:  # whatever it is, a retry may succeed
            raise self._unavailable(str(error) or type(error).__name__) from None
        if not isinstance(token, str):
            raise self._unavailable("the token endpoint returned no ID token")
        return token

    async def _current(self) -> "_Found":
        """The last one found, while the issuer is unreachable; raises IssuerUnavailable."""
        async with self._lock:
            if time.monotonic() >= self._fetch_at:
                try:
                    endpoints = await fetch_endpoints(self._issuer, self.settings)
                    self._found = _Found(endpoints, await asyncio.to_thread(self._app, endpoints))
                    self._fetch_at = time.monotonic() + REFRESH_SECONDS
                except Exception as error:  # whatever it is, the next attempt may succeed
                    self._fetch_at = time.monotonic() + self._interval
                    self._report(str(error) or type(error).__name__)
        if self._found is None:
            raise IssuerUnavailable(_UNAVAILABLE)
        return self._found

    def _app(self, endpoints: Endpoints) -> Any:
        """Reads certificates and the secret."""
        path = self.settings.client_secret_file
        secret = Path(path).read_text(encoding="utf-8").strip() if path else None
        options = client_options(self._issuer) | {
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": endpoints.client_authentication if secret else "none",
        }
        create: Any = StarletteOAuth2App
        return create(
            None,
            client_id=self.settings.client_id,
            client_secret=secret,
            authorize_url=endpoints.authorization,
            access_token_url=endpoints.token,
            client_kwargs=options,
            user_agent=options["headers"]["User-Agent"],
        )

    def _unavailable(self, reason: str) -> IssuerUnavailable:
        self._report(reason)
        return IssuerUnavailable(_UNAVAILABLE)

    def _report(self, reason: str) -> None:
        log.warning("sign-in is not possible", issuer=self._issuer.url, error=reason)
