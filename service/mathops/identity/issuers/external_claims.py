"""The claims of an external issuer's token, checked and translated to a principal of this service."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from mathops.errors import Unauthorized
from mathops.identity.claim_checks import is_name, is_time, names_audience
from mathops.identity.issuers.issuers_file import Grant, Issuer
from mathops.identity.issuers.unverified_token import UnverifiedToken
from mathops.identity.tokens import Principal, invalid_token

# The length of the journal's column.
MAX_USER_CHARACTERS = 255
_MAX_NAME_CHARACTERS = 64
# Databases store times of 64 bits. Later ones are errors of the issuer.
_MAX_TIME = 2**40
# Absent in tokens of Kubernetes; others, such as logout+jwt, are not for access.
_TYPES = ("", "jwt", "at+jwt", "application/at+jwt")
# Keycloak names the purpose of a token in a claim.
_OTHER_PURPOSES = ("ID", "Refresh", "Offline", "Logout")
# Claims of ID tokens (OpenID Connect Core 1.0, 2 and 3.3.2.11).
_ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash")
# Lists of texts that are separated by blanks (RFC 8693, 4.2; Microsoft Entra).
_SCOPE_CLAIMS = ("scope", "scp")


def rejected(reason: str) -> Unauthorized:
    return invalid_token(reason, "get a new token from its issuer")


def check_claims(issuer: Issuer, token: UnverifiedToken, now: float, leeway: float) -> None:
    """Raises Unauthorized."""
    header, claims = token
    if str(header.get("typ", "")).lower() not in _TYPES or not _for_access(issuer, claims):
        raise rejected("the token is not an access token")
    if "cnf" in claims:
        raise rejected("the token is bound to a key (cnf), which is not supported")
    if not names_audience(claims.get("aud"), issuer.audience):
        raise rejected("the token is for another audience")
    if issuer.authorized_parties and _party(claims) not in issuer.authorized_parties:
        raise rejected("the token is of a client that is not accepted")
    _check_times(claims, now, leeway)
    _check_user(issuer, claims)


def check_id_token(
    issuer: Issuer, token: UnverifiedToken, client_id: str, nonce: str, *, now: float, leeway: float
) -> None:
    """The rules of OpenID Connect Core 1.0, 3.1.3.7, but for the signature; raises Unauthorized."""
    header, claims = token
    if str(header.get("typ", "")).lower() not in ("", "jwt") or claims.get("typ") not in (None, "ID"):
        raise rejected("it is no ID token")
    if claims.get("iss") != issuer.url:
        raise rejected("it is from another issuer")
    if not names_audience(claims.get("aud"), client_id):
        raise rejected("it is for another client")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise rejected("its authorized party is another client")
    if claims.get("nonce") != nonce:
        raise rejected("its nonce is not that of the request")
    if claims.get("iat") is None:
        raise rejected("it has no time of issue")
    _check_times(claims, now, leeway)
    _check_user(issuer, claims)


def _check_user(issuer: Issuer, claims: dict[str, Any]) -> None:
    if not is_name(claims.get(issuer.user_claim)):
        raise rejected("the claim of the user is missing or not printable")
    # Anyone may enter the address of another in a profile.
    if issuer.user_claim == "email" and claims.get("email_verified") is not True:
        raise rejected("the email address of the user is not verified")
    if len(_user(issuer, claims)) > MAX_USER_CHARACTERS:
        raise rejected("the name of the user is too long")


def principal(issuer: Issuer, claims: dict[str, Any], token: str) -> Principal:
    """Of checked claims and a verified token."""
    issued = claims.get("iat") or 0
    scopes = frozenset(scope for grant in issuer.grants if _applies(grant, claims) for scope in grant.scopes)
    token_id = revocation_id(issuer, claims, token)
    name = _display_name(claims)
    return Principal(_user(issuer, claims), scopes, int(issued), int(claims["exp"]), token_id, _party(claims), name)


def revocation_id(issuer: Issuer, claims: dict[str, Any], token: str) -> str:
    """Identifies the token among those of all issuers."""
    token_id = claims.get("jti")
    # Without the signature, because ECDSA has two valid ones for each.
    unique = token_id if is_name(token_id) else token.rpartition(".")[0]
    return sha256(f"{issuer.url}#{unique}".encode()).hexdigest()


def _for_access(issuer: Issuer, claims: dict[str, Any]) -> bool:
    if issuer.id_tokens:
        return claims.get("typ") in (None, "ID", "Bearer")
    return claims.get("typ") not in _OTHER_PURPOSES and not any(name in claims for name in _ID_TOKEN_CLAIMS)


def _check_times(claims: dict[str, Any], now: float, leeway: float) -> None:
    times = [claims[name] for name in ("exp", "nbf", "iat") if claims.get(name) is not None]
    if not all(is_time(time) and abs(time) < _MAX_TIME for time in times) or claims.get("exp") is None:
        raise rejected("a time claim of the token is missing or not a number")
    expires, *starts = times
    if expires + leeway <= now:
        raise rejected("the token has expired")
    if any(start - leeway > now for start in starts):
        raise rejected("the token is not valid yet")


def _user(issuer: Issuer, claims: dict[str, Any]) -> str:
    # A URL has no #, and names of local users and clients have neither # nor slash.
    return f"{issuer.url}#{claims[issuer.user_claim]}"


def _display_name(claims: dict[str, Any]) -> str | None:
    """Users may choose it, unlike the claim that identifies them."""
    names = (claims.get(claim) for claim in ("preferred_username", "name", "email"))
    return next((name for name in names if is_name(name) and len(name) <= _MAX_NAME_CHARACTERS), None)


def _party(claims: dict[str, Any]) -> str:
    party = claims.get("azp", claims.get("client_id"))
    return party if isinstance(party, str) else ""


def _applies(grant: Grant, claims: dict[str, Any]) -> bool:
    return grant.value in _values(grant.path, claims)


def _values(path: tuple[str, ...], claims: Any) -> Iterator[str]:
    """The texts of a claim. A text is one value, except in claims that list scopes."""
    for name in path:
        claims = claims.get(name) if isinstance(claims, dict) else None
    if isinstance(claims, str):
        yield from claims.split() if path[-1] in _SCOPE_CLAIMS else [claims]
    elif isinstance(claims, list):
        yield from (value for value in claims if isinstance(value, str))
