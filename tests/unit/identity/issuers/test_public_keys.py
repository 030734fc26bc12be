"""Keys that cannot verify signatures are ignored, and do not disable the others."""

import itertools
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from mathops.identity.issuers.public_keys import MAX_KEYS, find, public_keys

GOOD = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "good"}
PRIVATE = {**ECKey.generate_key("P-256").as_dict(private=True), "kid": "bad"}
EC = {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "bad"}
# A product of two primes of 512 bits.
_N = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
SHORT = {"kid": "bad", "kty": "RSA", "n": urlsafe_b64encode(_N.to_bytes(128)).decode().rstrip("="), "e": "AQAB"}


_NUMBERS = itertools.count()


def _number(_: object) -> str:
    """Keys are random, and processes that run tests in parallel need the same names."""
    return str(next(_NUMBERS))


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        [],
        {},
        {**EC, "kid": None},
        {**EC, "kid": 5},
        {**EC, "use": "enc"},
        {**EC, "use": None},
        {**EC, "key_ops": ["sign"]},
        {**EC, "key_ops": "verify"},
        {**EC, "alg": 5},
        {**EC, "crv": "P-999"},
        {**EC, "x": "AA"},
        {**EC, "x": 5},
        {**EC, "y": EC["x"]},
        {name: value for name, value in EC.items() if name != "y"},
        PRIVATE,
        {"kid": "bad", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kid": "bad", "kty": ["EC"]},
        {**OctKey.generate_key(256).as_dict(private=True), "kid": "bad"},
        {"kid": "bad", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "bad", "kty": "RSA", "n": "=", "e": ""},
        SHORT,
    ],
    ids=_number,
)
def test_an_unusable_key_is_ignored(entry: Any) -> None:
    assert list(public_keys({"keys": [entry, GOOD]})) == [("good", "")]


@pytest.mark.parametrize(
    "document",
    [{}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [PRIVATE]}, {"keys": [GOOD] * (MAX_KEYS + 1)}],
    ids=_number,
)
def test_a_set_without_usable_keys_is_an_error(document: Any) -> None:
    with pytest.raises(ValueError, match="the JWK Set has no "):
        public_keys(document)


def test_a_key_is_found_by_id_and_by_its_algorithm_if_it_has_one() -> None:
    signer = {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "same", "alg": "RS256"}
    okp = {**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": "same", "alg": "EdDSA"}
    keys = public_keys({"keys": [signer, okp, GOOD]})

    assert isinstance(find(keys, "same", "RS256"), RSAKey)
    assert isinstance(find(keys, "same", "EdDSA"), OKPKey)
    assert find(keys, "same", "PS256") is None
    assert find(keys, "good", "ES256")
    assert find(keys, "other", "ES256") is None


def test_a_second_key_of_the_same_id_replaces_none() -> None:
    keys = public_keys({"keys": [GOOD, {**EC, "kid": "good"}]})

    assert keys["good", ""].as_dict(private=False)["x"] == GOOD["x"]
