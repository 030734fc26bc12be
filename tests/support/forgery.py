"""Tokens with any header, claims and signature, and a list of hostile ones."""

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey

ABSENT = ...
# The order of the curve P-256.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FOREIGN = ECKey.generate_key("P-256", auto_kid=True)


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def sign(header: Any, claims: Any, key: ECKey) -> str:
    """A compact JWS signed with ES256, independent of its header."""
    head = f"{encoded(header)}.{encoded(claims)}"
    assert key.private_key is not None
    r, s = decode_dss_signature(key.private_key.sign(head.encode(), ECDSA(SHA256())))
    return f"{head}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def with_other_signature(token: str) -> str:
    """The token with the second valid signature of ECDSA."""
    head, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    assert encode_dss_signature(r, _ORDER - s)
    return f"{head}.{encoded(r.to_bytes(32) + (_ORDER - s).to_bytes(32))}"


class Forge:
    """Signs tokens with `key`: valid ones, and changed ones; ABSENT removes a member."""

    def __init__(self, key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> None:
        self.key = key
        self.header = header
        self.claims = claims

    def __call__(self, header: dict[str, Any] | None = None, signer: ECKey | None = None, **claims: Any) -> str:
        return sign(
            _present({**self.header, **(header or {})}), _present({**self.claims, **claims}), signer or self.key
        )

    def text(self, *, header: str = "", claims: str = "") -> str:
        """A token with members in JSON before the usual ones."""
        return sign(_extended(header, self.header), _extended(claims, self.claims), self.key)

    def secret(self, secret: bytes) -> str:
        """A token with that shared secret."""
        head = self({"alg": "HS256"}).rpartition(".")[0]
        return f"{head}.{encoded(hmac.digest(secret, head.encode(), hashlib.sha256))}"


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def _extended(added: str, usual: dict[str, Any]) -> bytes:
    text = json.dumps(usual).encode()
    return added.encode() + text[1:] if added else text


def _with_header(changed: dict[str, Any]) -> Callable[[Forge], str]:
    return lambda forge: forge(changed)


def _with_claims(changed: dict[str, Any]) -> Callable[[Forge], str]:
    return lambda forge: forge(**changed)


def _cut(token: str, parts: int) -> str:
    return ".".join(token.split(".")[:parts])


def _resigned(token: str, signature: bytes) -> str:
    return f"{token.rpartition('.')[0]}.{encoded(signature)}"


def _swapped(forge: Forge) -> str:
    header, _, signature = forge().split(".")
    return f"{header}.{forge(sub='bob').split('.')[1]}.{signature}"


def _nested(forge: Forge) -> str:
    """A signed token as the payload of another one."""
    return sign({**forge.header, "cty": "JWT"}, forge().encode(), forge.key)


def _encrypted(forge: Forge) -> str:
    key = OctKey.generate_key(256)
    header = {"alg": "dir", "enc": "A256GCM", "cty": "JWT", "zip": "DEF"}
    return jwe.encrypt_compact(header, forge().encode() * 100, key, algorithms=["dir", "A256GCM", "DEF"])


_JWK = FOREIGN.as_dict(private=False)
_HEADERS: dict[str, dict[str, Any]] = {
    "key id absent": {"kid": ABSENT},
    "key id null": {"kid": None},
    "key id in a list": {"kid": ["x"]},
    "key id an object": {"kid": {}},
    "key id a number": {"kid": 1},
    "key id empty": {"kid": ""},
    "key id of a file": {"kid": "../../../../dev/null"},
    "key id of a query": {"kid": "x' UNION SELECT 'secret"},
    "key id of a command": {"kid": "|/usr/bin/id"},
    "key id with a line": {"kid": "a\nb: c"},
    "key id with a surrogate": {"kid": "\ud800"},
    "algorithm absent": {"alg": ABSENT},
    "algorithm null": {"alg": None},
    "algorithm in a list": {"alg": ["ES256"]},
    "algorithm an object": {"alg": {}},
    "algorithm in lower case": {"alg": "es256"},
    "algorithm of another curve": {"alg": "ES384"},
    "algorithm of RSA": {"alg": "RS256"},
    "algorithm of Ed25519": {"alg": "EdDSA"},
    "algorithm symmetric": {"alg": "HS256"},
    "algorithm of encryption": {"alg": "ECDH-ES"},
    "critical claim": {"crit": ["exp"]},
    "critical extension": {"crit": ["mathops"], "mathops": 1},
    "critical text": {"crit": "typ"},
    "critical object": {"crit": [{}]},
    "critical list empty": {"crit": []},
    "critical standard member": {"crit": ["kid"]},
    "critical unencoded payload": {"crit": ["b64"], "b64": False},
    "type of logout": {"typ": "logout+jwt"},
    "type of an event": {"typ": "secevent+jwt"},
    "type of a proof": {"typ": "dpop+jwt"},
    "type null": {"typ": None},
    "type a number": {"typ": 1},
    "jwk a number": {"jwk": 5},
    "certificates a text": {"x5c": "x"},
}
_CLAIMS: dict[str, dict[str, Any]] = {
    "issuer unknown": {"iss": "https://evil.example"},
    "issuer absent": {"iss": ABSENT},
    "issuer in a list": {"iss": ["mathops"]},
    "issuer with a surrogate": {"iss": "\ud800"},
    "audience of another service": {"aud": "other"},
    "audience absent": {"aud": ABSENT},
    "audience empty": {"aud": []},
    "audience in a list in a list": {"aud": [["mathops"]]},
    "audience an object": {"aud": {"mathops": 1}},
    "audience with a suffix": {"aud": "mathops.evil.example"},
    "subject absent": {"sub": ABSENT},
    "subject empty": {"sub": ""},
    "subject a number": {"sub": 5},
    "subject with a surrogate": {"sub": "\ud800"},
    "subject with a null byte": {"sub": "a\x00b"},
    "subject with a line": {"sub": "a\nb"},
    "subject with an escape": {"sub": "\x1b[31m"},
    "expiry absent": {"exp": ABSENT},
    "expiry null": {"exp": None},
    "expiry a text": {"exp": "4000000000"},
    "expiry true": {"exp": True},
    "expiry no number": {"exp": math.nan},
    "expiry infinite": {"exp": math.inf},
    "expiry past": {"exp": 0},
    "expiry negative": {"exp": -(10**30)},
    "issued no number": {"iat": math.nan},
    "issued in the future": {"iat": 5_000_000_000},
    "issued far in the future": {"iat": 10**400},
    "not before a text": {"nbf": "soon"},
    "not before the future": {"nbf": 5_000_000_000},
    "not before no number": {"nbf": math.nan},
}
_OTHERS: dict[str, Callable[[Forge], str]] = {
    "no algorithm": lambda forge: _cut(forge({"alg": "none"}), 2) + ".",
    "no algorithm in upper case": lambda forge: _cut(forge({"alg": "NONE"}), 2) + ".",
    "no signature": lambda forge: _cut(forge(), 2) + ".",
    "no third part": lambda forge: _cut(forge(), 2),
    "signature of zeros": lambda forge: _resigned(forge(), bytes(64)),
    "signature cut": lambda forge: _resigned(forge(), bytes(7)),
    "signature of other claims": _swapped,
    "public key as a secret in PEM": lambda forge: forge.secret(forge.key.as_pem(private=False)),
    "public key as a secret in JSON": lambda forge: forge.secret(json.dumps(forge.key.as_dict(private=False)).encode()),
    "empty secret": lambda forge: forge.secret(b""),
    "foreign key with a known id": lambda forge: forge(signer=FOREIGN),
    "foreign key with its id": lambda forge: forge({"kid": FOREIGN.kid}, FOREIGN),
    "foreign key in the header": lambda forge: forge({"jwk": _JWK}, FOREIGN),
    "foreign key and id in the header": lambda forge: forge({"jwk": _JWK, "kid": FOREIGN.kid}, FOREIGN),
    "nested": _nested,
    "encrypted": _encrypted,
    "too long": lambda forge: forge(extra="x" * 20_000),
    "deep claims": lambda forge: sign(forge.header, b"[" * 5000, forge.key),
    "long number": lambda forge: sign(forge.header, b'{"exp": ' + b"9" * 5000 + b"}", forge.key),
    "claims a list": lambda forge: sign(forge.header, [forge.claims], forge.key),
    "claims a text": lambda forge: sign(forge.header, "alice", forge.key),
    "claims null": lambda forge: sign(forge.header, None, forge.key),
    "claims in no UTF": lambda forge: sign(forge.header, b"\xff", forge.key),
    "claims cut": lambda forge: sign(forge.header, b"{", forge.key),
    "header a list": lambda forge: sign([forge.header], forge.claims, forge.key),
    "header null": lambda forge: sign(None, forge.claims, forge.key),
    "header empty": lambda forge: sign(b"", forge.claims, forge.key),
    "header deep": lambda forge: sign(b"[" * 5000, forge.claims, forge.key),
    "five parts": lambda _: "a.b.c.d.e",
    "dots": lambda _: "." * 9000,
    "padding": lambda _: "=.=.=",
    "letters": lambda _: "a" * 9000,
}
HOSTILE: dict[str, Callable[[Forge], str]] = {
    **{name: _with_header(changed) for name, changed in _HEADERS.items()},
    **{name: _with_claims(changed) for name, changed in _CLAIMS.items()},
    **_OTHERS,
}
# Issuers sign these by error; own tokens have none of them.
AMBIGUOUS: dict[str, Callable[[Forge], str]] = {
    "algorithm twice": lambda forge: forge.text(header='{"alg": "none",'),
    "key id twice": lambda forge: forge.text(header='{"kid": "x",'),
    "subject twice": lambda forge: forge.text(claims='{"sub": "bob",'),
    "expiry twice": lambda forge: forge.text(claims='{"exp": 0,'),
    "audience twice": lambda forge: forge.text(claims='{"aud": "other",'),
    "issuer twice": lambda forge: forge.text(claims='{"iss": "https://evil.example",'),
}
