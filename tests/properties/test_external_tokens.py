"""No header and no claims of an external token cause another error than 401."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mathops.errors import Unauthorized
from mathops.identity.issuers.external_claims import MAX_USER_CHARACTERS, check_claims, principal
from mathops.identity.issuers.issuers_file import Issuer
from mathops.identity.issuers.unverified_token import UnverifiedToken, claimed_issuer, parse
from mathops.identity.scopes import SCOPES
from tests.support.forgery import encoded
from tests.support.oidc_issuer import AUDIENCE

NOW = 1_800_000_000
URL = "https://id.example"
ISSUER = msgspec.convert(
    {
        "url": URL,
        "audience": AUDIENCE,
        "grants": [
            {"claim": "scope", "value": "mathops", "scopes": ["math"]},
            {"claim": ["a", "b"], "value": "c", "scopes": ["history"]},
        ],
    },
    Issuer,
)
VALID = {"iss": URL, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 60}

texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(["mathops", "c", "alice", "JWT", "at+jwt"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
names = st.sampled_from(
    ["aud", "sub", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "a", "typ", "cnf", "nonce", "email"]
)


@given(
    st.dictionaries(st.sampled_from(["typ", "crit", "kid"]), values, max_size=2),
    st.dictionaries(names, values, max_size=4),
)
def test_any_claims_are_accepted_or_rejected_with_401(header: dict[str, Any], changed: dict[str, Any]) -> None:
    claims = {**VALID, **changed}
    try:
        check_claims(ISSUER, UnverifiedToken(header, claims), NOW, 10)
    except Unauthorized:
        return

    found = principal(ISSUER, claims, "a.b.c")

    assert found.user.startswith(f"{URL}#")
    assert len(found.user) <= MAX_USER_CHARACTERS
    assert found.user.isprintable()
    assert found.scopes <= set(SCOPES)
    assert found.expires + 10 >= NOW
    assert len(found.token_id) == 64


@given(
    st.text(st.characters(codec="latin-1"))
    | st.tuples(values, values).map(lambda parts: ".".join(encoded(json.dumps(part).encode()) for part in parts) + ".x")
)
def test_any_text_is_parsed_or_is_no_token(text: str) -> None:
    parsed = parse(text)

    assert parsed is None or (isinstance(parsed.header, dict) and isinstance(parsed.claims, dict))
    assert isinstance(claimed_issuer(text), str | None)
