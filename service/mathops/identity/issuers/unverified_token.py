"""The parts of a token before its signature is verified: they select issuer and key, and grant nothing."""

from base64 import urlsafe_b64decode
from typing import Any, NamedTuple

from mathops.identity.issuers import strict_json

# Issuers put many groups and roles into their tokens.
MAX_CHARACTERS = 16_384


class UnverifiedToken(NamedTuple):
    """Header and claims."""

    header: dict[str, Any]
    claims: dict[str, Any]


def parse(token: str) -> UnverifiedToken | None:
    """None for a text that is no signed JWT in compact form."""
    segments = token.split(".") if len(token) <= MAX_CHARACTERS else []
    if len(segments) != 3:
        return None
    try:
        header, claims = map(_decoded, segments[:2])
    except (ValueError, RecursionError):
        return None
    return UnverifiedToken(header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def claimed_issuer(token: str) -> str | None:
    parsed = parse(token)
    issuer = parsed.claims.get("iss") if parsed else None
    return issuer if isinstance(issuer, str) else None


def _decoded(segment: str) -> Any:
    return strict_json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
