"""Only RFC 9068 access tokens signed by a known key are accepted."""

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from mathops.errors import Unauthorized
from mathops.identity import keys
from mathops.identity.tokens import MAX_CHARACTERS, Tokens
from mathops.settings import Settings
from tests.support.forgery import ABSENT, HOSTILE, Forge

NOW = 1_800_000_000


@pytest.fixture
def path(settings: Settings) -> Path:
    keys.ensure(settings.keys_path)
    return settings.keys_path


@pytest.fixture
def tokens(path: Path, settings: Settings) -> Tokens:
    return Tokens(keys.Keys(path, reload_seconds=0), settings, lambda: NOW)


@pytest.fixture
def key(path: Path) -> ECKey:
    return keys.read(path)[-1]


@pytest.fixture
def forge(key: ECKey) -> Forge:
    """Signs with a known key."""
    claims = {"iss": "mathops", "aud": "mathops", "sub": "alice", "client_id": "mathops", "scope": "math"}
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    return Forge(key, header, {**claims, "iat": NOW, "exp": NOW + 3600, "jti": "1"})


def rejection(tokens: Tokens, token: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        tokens.verify(token)
    challenge = caught.value.challenge
    assert challenge is not None
    assert 'error="invalid_token"' in challenge
    assert challenge.isascii()
    return caught.value.detail


def test_an_issued_token_identifies_its_user(tokens: Tokens) -> None:
    principal = tokens.verify(tokens.issue("alice", ["math", "history"]))

    assert principal.user == "alice"
    assert principal.scopes == {"math", "history"}
    assert principal.expires == NOW + 3600


def test_an_issued_token_follows_the_profile(tokens: Tokens, key: ECKey) -> None:
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "==")) for part in tokens.issue("alice", ["math"]).split(".")[:2]
    )

    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    assert set(claims) == {"iss", "aud", "sub", "client_id", "scope", "iat", "exp", "jti"}


@pytest.mark.parametrize("user", ["", "\ud800", "a\x00b"])
def test_no_token_is_issued_that_would_be_rejected(tokens: Tokens, user: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        tokens.issue(user, ["math"])


def test_tokens_are_unique(tokens: Tokens) -> None:
    assert tokens.issue("alice", ["math"]) != tokens.issue("alice", ["math"])


def test_a_forged_token_without_errors_is_accepted(tokens: Tokens, forge: Forge) -> None:
    assert tokens.verify(forge()).user == "alice"


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"jku": "https://evil.example/keys.json"},
        {"x5u": "https://evil.example/cert.pem"},
    ],
)
def test_irrelevant_header_members_are_ignored(tokens: Tokens, forge: Forge, changed: dict[str, Any]) -> None:
    assert tokens.verify(forge(changed)).user == "alice"


def test_the_audience_may_be_one_of_a_list(tokens: Tokens, forge: Forge) -> None:
    assert tokens.verify(forge(aud=["other", "mathops"])).user == "alice"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_rejected(tokens: Tokens, forge: Forge, name: str) -> None:
    rejection(tokens, HOSTILE[name](forge))


@pytest.mark.parametrize("changed", [{"typ": "JWT"}, {"typ": ABSENT}], ids=str)
def test_a_token_of_another_type_is_rejected(tokens: Tokens, forge: Forge, changed: dict[str, Any]) -> None:
    rejection(tokens, forge(changed))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "other"}, "issuer"),
        ({"iss": ABSENT}, "issuer"),
        ({"iss": ["mathops"]}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": ABSENT}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": [["mathops"]]}, "audience"),
        ({"aud": {"mathops": 1}}, "audience"),
        ({"sub": ABSENT}, "claim"),
        ({"sub": ""}, "claim"),
        ({"sub": 5}, "claim"),
        ({"sub": "\ud800"}, "claim"),
        ({"sub": "a\x00b"}, "claim"),
        ({"sub": "a\nb"}, "claim"),
        ({"jti": "\udfff"}, "claim"),
        ({"client_id": "\x1b[0m"}, "claim"),
        ({"jti": ABSENT}, "claim"),
        ({"client_id": ABSENT}, "claim"),
        ({"client_id": None}, "claim"),
        ({"scope": ABSENT}, "claim"),
        ({"scope": ["math"]}, "claim"),
        ({"iat": ABSENT}, "time"),
        ({"exp": ABSENT}, "time"),
        ({"exp": None}, "time"),
        ({"exp": "4000000000"}, "time"),
        ({"exp": True}, "time"),
        ({"exp": math.nan}, "time"),
        ({"exp": math.inf}, "time"),
        ({"iat": math.nan}, "time"),
        ({"iat": -math.inf}, "time"),
        ({"nbf": math.nan}, "time"),
        ({"nbf": "soon"}, "time"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": -(10**30)}, "expired"),
        ({"nbf": NOW + 86400}, "not valid yet"),
        ({"iat": NOW + 86400}, "not valid yet"),
        ({"iat": 10**400}, "not valid yet"),
    ],
    ids=str,
)
def test_an_invalid_claim_is_rejected_with_its_reason(
    tokens: Tokens, forge: Forge, changed: dict[str, Any], reason: str
) -> None:
    assert reason in rejection(tokens, forge(**changed))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "....", "a.b.c", "a.b.c.d.e", "\x00", "é.é.é", "١٢.x.y", "=.=.=", "a" * 9000, "." * 9000],
    ids=lambda token: repr(token[:12]),
)
def test_a_malformed_token_is_rejected(tokens: Tokens, token: str) -> None:
    rejection(tokens, token)


def test_a_token_that_is_too_long_is_rejected_despite_a_valid_signature(tokens: Tokens, forge: Forge) -> None:
    assert "too long" in rejection(tokens, forge(extra="x" * MAX_CHARACTERS))


def test_a_token_is_verified_once(tokens: Tokens, forge: Forge) -> None:
    token = forge()

    # A second verification would make a second principal.
    assert tokens.verify(token) is tokens.verify(token)


def test_a_cached_token_expires(path: Path, forge: Forge) -> None:
    now = NOW
    tokens = Tokens(keys.Keys(path), Settings(token_leeway_seconds=0), lambda: now)
    token = forge(exp=NOW + 2)
    tokens.verify(token)

    now = NOW + 2

    assert "expired" in rejection(tokens, token)


def test_small_clock_differences_are_tolerated(tokens: Tokens, forge: Forge) -> None:
    assert tokens.verify(forge(exp=NOW - 5)).user == "alice"
    assert tokens.verify(forge(iat=NOW + 5)).user == "alice"
    assert tokens.verify(forge(nbf=NOW + 5)).user == "alice"


@pytest.mark.parametrize(("ahead", "reason"), [(-3615, "expired"), (-3605, ""), (5, ""), (15, "not valid yet")])
def test_tokens_of_another_clock_are_accepted_only_within_the_leeway(
    path: Path, settings: Settings, tokens: Tokens, ahead: float, reason: str
) -> None:
    token = Tokens(keys.Keys(path), settings, clock=lambda: NOW + ahead).issue("alice", ["math"])

    if reason:
        assert reason in rejection(tokens, token)
    else:
        assert tokens.verify(token).user == "alice"


def test_without_leeway_no_clock_difference_is_tolerated(path: Path, forge: Forge) -> None:
    tokens = Tokens(keys.Keys(path), Settings(token_leeway_seconds=0), lambda: NOW)

    rejection(tokens, forge(exp=NOW - 1))
    rejection(tokens, forge(iat=NOW + 5))


def test_older_tokens_stay_valid_after_a_rotation(path: Path, settings: Settings, tokens: Tokens) -> None:
    older = tokens.issue("alice", ["math"])
    keys.rotate(path)

    assert Tokens(keys.Keys(path), settings, lambda: NOW).verify(older).user == "alice"


def test_pruning_a_key_invalidates_its_cached_tokens(path: Path, tokens: Tokens) -> None:
    older = tokens.issue("alice", ["math"])
    tokens.verify(older)
    keys.rotate(path)
    keys.prune(path)

    rejection(tokens, older)
    assert tokens.verify(tokens.issue("alice", ["math"])).user == "alice"
