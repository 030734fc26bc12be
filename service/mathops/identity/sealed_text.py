"""Text that a browser keeps for the service: encrypted by a key that every web worker and replica can derive."""

import hmac
import time

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey
from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

from mathops.identity.keys import Keys

_ALGORITHMS = ["dir", "A256GCM"]


class _Sealed(Struct):
    """`until` is in seconds since the epoch."""

    purpose: str
    content: str
    until: float


def seal(keys: Keys, purpose: str, content: str, seconds: float) -> str:
    """A JWE that `unseal` opens for `seconds`, for the same purpose only."""
    keys.refresh()
    key = keys.signing
    header = {"alg": "dir", "enc": "A256GCM", "kid": key.kid}
    body = encode(_Sealed(purpose, content, time.time() + seconds))
    return jwe.encrypt_compact(header, body, _derived(key), algorithms=_ALGORITHMS)


def unseal(keys: Keys, purpose: str, text: str) -> str | None:
    """The content, or None if the text has expired, was changed, or if its key was removed."""
    keys.refresh()
    for key in keys.all:
        try:
            opened = jwe.decrypt_compact(text, _derived(key), algorithms=_ALGORITHMS)
            sealed = decode(opened.plaintext or b"", type=_Sealed)
        except (JoseError, DecodeError, ValueError, TypeError, KeyError):
            continue
        return sealed.content if sealed.purpose == purpose and sealed.until > time.time() else None
    return None


def _derived(key: ECKey) -> OctKey:
    """A key for encryption only, because each key has one use (RFC 8725, 3.1)."""
    secret = str(key.as_dict(private=True)["d"]).encode()
    return OctKey.import_key(hmac.digest(secret, b"mathops sealed text", "sha256"))
