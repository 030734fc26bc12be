"""Access tokens: JWTs of the profile RFC 9068, signed with ES256."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from uuid_utils import uuid7

from mathops.errors import BEARER_CHALLENGE, Unauthorized
from mathops.identity.claim_checks import is_name, is_time, names_audience
from mathops.identity.keys import ALGORITHM, Keys
from mathops.identity.oauth_documents import ClientTokenResponse, Introspection
from mathops.models import TokenResponse
from mathops.settings import Settings

TYPE = "at+jwt"
_TYPES = (TYPE, f"application/{TYPE}")
CLIENT_ID = "mathops"
# Issued tokens have about 500. Longer ones are rejected before decoding.
MAX_CHARACTERS = 8192
_CACHED_TOKENS = 10_000
_BEARER: Final = "Bearer"


@dataclass(frozen=True, slots=True)
class Principal:
    """Subject, scopes and times (seconds since the epoch) of a verified token."""

    user: str
    scopes: frozenset[str]
    issued: int
    expires: int
    token_id: str
    client_id: str
    # For display only.
    name: str | None = None


def invalid_token(reason: str, remedy: str = "get a token with POST /login") -> Unauthorized:
    """The error for a rejected token, with the challenge of RFC 6750."""
    return Unauthorized(
        f"{reason}; {remedy}",
        challenge=f'{BEARER_CHALLENGE}, error="invalid_token", error_description="{reason}"',
    )


def client_subject(name: str) -> str:
    """The user name of an OAuth client. Those of a users file have no colon, so that no client has a user's history."""
    return f"client:{name}"


class Tokens:
    """Issues and verifies tokens. The signature of a token is verified once; the result is cached until it expires."""

    def __init__(self, keys: Keys, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._settings = settings
        self._leeway = settings.token_leeway_seconds
        self._clock = clock
        self._verified = lru_cache(maxsize=_CACHED_TOKENS)(self._verify)
        self._generation = keys.generation

    def issue(self, user: str, scopes: list[str], client_id: str = CLIENT_ID, name: str | None = None) -> str:
        """Raises ValueError for a user name that `verify` would reject."""
        if not is_name(user):
            raise ValueError("a user name is printable text")
        now = int(self._clock())
        claims = {
            "iss": self._settings.token_issuer,
            "aud": self._settings.token_audience,
            "sub": user,
            "client_id": client_id,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + self._settings.token_lifetime_seconds,
            "jti": str(uuid7()),
            **({"name": name} if name else {}),
        }
        self._keys.refresh()
        key = self._keys.signing
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}, claims, key)

    def token_response(self, user: str, scopes: list[str]) -> TokenResponse:
        token = self.issue(user, scopes)
        return TokenResponse(token, _BEARER, self._settings.token_lifetime_seconds, " ".join(scopes), token)

    def client_token(self, name: str, scopes: list[str]) -> ClientTokenResponse:
        token = self.issue(client_subject(name), scopes, name)
        return ClientTokenResponse(token, _BEARER, self._settings.token_lifetime_seconds, " ".join(scopes))

    def introspection(self, principal: Principal) -> Introspection:
        """The description of a token that is valid and not revoked."""
        return Introspection(
            active=True,
            scope=" ".join(sorted(principal.scopes)),
            client_id=principal.client_id,
            token_type=_BEARER,
            exp=principal.expires,
            iat=principal.issued,
            sub=principal.user,
            aud=self._settings.token_audience,
            iss=self._settings.token_issuer,
            jti=principal.token_id,
        )

    def verify(self, token: str) -> Principal:
        """Raises Unauthorized."""
        self._keys.refresh()
        if self._generation != self._keys.generation:
            self._verified.cache_clear()
            self._generation = self._keys.generation
        principal = self._verified(token)
        if principal.expires + self._leeway <= self._clock():
            raise invalid_token("the token has expired")
        return principal

    def _verify(self, token: str) -> Principal:
        if len(token) > MAX_CHARACTERS:
            raise invalid_token("the token is too long")
        try:
            decoded = jwt.decode(token, self._keys.key_set, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise invalid_token("the token is malformed, unsigned or signed by another key") from None
        # Without kid joserfc would try every key. Issued tokens always have one, and no extension (crit).
        header = decoded.header
        if str(header.get("typ")).lower() not in _TYPES or "kid" not in header or "crit" in header:
            raise invalid_token("the token is not an access token")
        return self._principal(decoded.claims)

    def _principal(self, claims: dict[str, Any]) -> Principal:
        texts = [claims.get(name) for name in ("sub", "jti", "client_id", "scope")]
        issued, expires, not_before = (claims.get(name) for name in ("iat", "exp", "nbf"))
        if not all(map(is_name, texts[:3])) or not isinstance(texts[3], str):
            raise invalid_token("a required claim of the token is missing or not printable")
        if not (is_time(issued) and is_time(expires) and (not_before is None or is_time(not_before))):
            raise invalid_token("a time claim of the token is not a number")
        if claims.get("iss") != self._settings.token_issuer:
            raise invalid_token("the token is from another issuer")
        if not names_audience(claims.get("aud"), self._settings.token_audience):
            raise invalid_token("the token is for another audience")
        if max(issued, not_before or 0) - self._leeway > self._clock():
            raise invalid_token("the token is not valid yet")
        user, token_id, client_id, scope = map(str, texts)
        name = claims["name"] if is_name(claims.get("name")) else None
        return Principal(user, frozenset(scope.split()), int(issued), int(expires), token_id, client_id, name)
