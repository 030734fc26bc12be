"""The keys of a JWK Set (RFC 7517) that verify signatures; others are ignored and do not disable these."""

import warnings
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = ECKey | OKPKey | RSAKey
# By key id and algorithm; the algorithm is empty if the key has none.
PublicKeys = Mapping[tuple[str, str], PublicKey]

MAX_KEYS = 100
_KINDS: dict[Any, tuple[type[PublicKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}


def public_keys(document: Mapping[str, Any]) -> PublicKeys:
    """Raises ValueError if no key can be used."""
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f"the JWK Set has no list of at most {MAX_KEYS} keys")
    keys: dict[tuple[str, str], PublicKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and _verifies(entry) and (key := _imported(entry)):
            # The first one counts: a second key of that id would replace the one in use.
            keys.setdefault((entry["kid"], entry.get("alg") or ""), key)
    if not keys:
        raise ValueError("the JWK Set has no key with a kid that verifies signatures")
    return keys


def find(keys: PublicKeys, key_id: str, algorithm: str) -> PublicKey | None:
    return keys.get((key_id, algorithm)) or keys.get((key_id, ""))


def _verifies(entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(entry.get("kid"), str)
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(entry.get("alg", ""), str)
        # A published private key signs for everyone.
        and "d" not in entry
    )


def _imported(entry: dict[str, Any]) -> PublicKey | None:
    try:
        kind, members = _KINDS[entry["kty"]]
        with warnings.catch_warnings():
            # For RSA keys of less than 2048 bits.
            warnings.simplefilter("error", SecurityWarning)
            return kind.import_key({name: entry[name] for name in ("kty", *members)})
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError, AttributeError):
        return None
