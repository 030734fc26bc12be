"""Only an unchanged token is valid."""

import string

from hypothesis import assume, given
from hypothesis import strategies as st

from mathops.errors import Unauthorized
from mathops.identity.tokens import TYPE
from tests.conftest import World

ALPHABET = string.ascii_letters + string.digits + "-_."
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", fullmatch=True)
scopes = st.lists(st.sampled_from(["math", "history"]), unique=True)


def is_valid(service: World, token: str) -> bool:
    try:
        service.tokens.verify(token)
    except Unauthorized:
        return False
    return True


@given(names, scopes)
def test_a_token_gives_back_user_and_scopes(service: World, user: str, granted: list[str]) -> None:
    principal = service.tokens.verify(service.tokens.issue(user, granted))

    assert (principal.user, principal.scopes) == (user, frozenset(granted))


def test_no_bit_of_a_token_can_be_flipped(service: World) -> None:
    token = service.tokens.issue("alice", ["math"])
    assert is_valid(service, token)

    for place, character in enumerate(token):
        for bit in range(8):
            flipped = token[:place] + chr(ord(character) ^ 1 << bit) + token[place + 1 :]
            assert not is_valid(service, flipped), (place, bit)


@given(st.data())
def test_a_changed_token_is_rejected_with_401(service: World, data: st.DataObject) -> None:
    token = service.tokens.issue("alice", ["math"])
    place = data.draw(st.integers(0, len(token) - 1))
    changed = data.draw(
        st.one_of(
            st.sampled_from(ALPHABET).map(lambda other: token[:place] + other + token[place + 1 :]),
            st.sampled_from(ALPHABET).map(lambda other: token[:place] + other + token[place:]),
            st.just(token[:place] + token[place + 1 :]),
            st.just(token[:place]),
        )
    )
    assume(changed != token)

    response = service.client.get("/fib?n=1", headers={"Authorization": f"Bearer {changed}"})

    assert response.status_code == 401
    assert response.json()["type"] == "/problems/unauthorized"
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@given(names, names)
def test_a_signature_fits_no_other_claims(service: World, one: str, other: str) -> None:
    header, claims, _ = service.tokens.issue(one, ["math"]).split(".")
    *_, signature = service.tokens.issue(other, ["math"]).split(".")

    assert not is_valid(service, f"{header}.{claims}.{signature}")


@given(st.text(st.characters(codec="latin-1")) | st.text(ALPHABET) | st.just(TYPE))
def test_no_text_is_a_token_by_chance(service: World, text: str) -> None:
    assert not is_valid(service, text)
