"""Public keys of OAuth clients in the clients file: a JWK as base64url with a prefix."""

import json
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey

PREFIX = "key="
CREDENTIAL = f"{PREFIX}[A-Za-z0-9_-]+"
# Asymmetric algorithms only: with HS256 the public key would be the secret.
ALGORITHMS = ("ES256", "PS256", "RS256")
_CURVE = "P-256"
_MEMBERS = ("kty", "crv", "x", "y", "n", "e")

PublicKey = ECKey | RSAKey


def credential(text: str) -> str:
    """The credential for a public key in PEM or JWK format; raises ValueError."""
    key = _import(json.loads(text) if text.lstrip().startswith("{") else text)
    members = {name: value for name, value in key.as_dict(private=False).items() if name in _MEMBERS}
    document = json.dumps(members, separators=(",", ":"))
    return PREFIX + urlsafe_b64encode(document.encode()).decode().rstrip("=")


@lru_cache(maxsize=1024)
def public_key(credential: str) -> PublicKey:
    """Raises ValueError."""
    encoded = credential.removeprefix(PREFIX)
    return _import(json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))


def _import(source: Any) -> PublicKey:
    for kind in (ECKey, RSAKey):
        try:
            with warnings.catch_warnings():
                # For RSA keys of less than 2048 bits.
                warnings.simplefilter("error", SecurityWarning)
                key = kind.import_key(source)
        except (JoseError, SecurityWarning, ValueError, TypeError, KeyError, AttributeError):
            continue
        if key.is_private:
            raise ValueError("the key is private; write the public one: openssl pkey -pubout")
        if isinstance(key, RSAKey) or key.curve_name == _CURVE:
            return key
    raise ValueError(f"the key is neither a {_CURVE} key nor an RSA key of at least 2048 bits")
