from collections.abc import Callable

import pytest

from mathops.errors import RevocationUnavailable
from mathops.shared.revocations import MemoryRevocations
from tests.conftest import World


class UnavailableRevocations:
    """Fails."""

    async def revoke(self, token_id: str, until: int) -> None:
        raise RevocationUnavailable("unavailable")

    async def revoked(self, token_id: str) -> bool:
        raise RevocationUnavailable("unavailable")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    world = make_world()
    world.resources.revocations = MemoryRevocations()
    return world


def test_after_logout_the_token_is_refused_and_others_of_the_same_user_are_not(world: World) -> None:
    token, other = world.bearer(), world.bearer()

    assert world.client.post("/logout", headers=token).status_code == 204

    refused = world.client.get("/pow?base=2&exp=5", headers=token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert "revoked" in refused.json()["detail"]
    assert world.client.get("/pow?base=2&exp=5", headers=other).status_code == 200


def test_logout_needs_a_token(world: World) -> None:
    assert world.client.post("/logout").status_code == 401


def test_logout_is_not_found_where_revocation_is_off(make_world: Callable[..., World]) -> None:
    world = make_world()

    answer = world.client.post("/logout", headers=world.bearer())

    assert answer.status_code == 404
    assert "MATHOPS_REVOCATION" in answer.json()["detail"]


def test_a_request_is_answered_503_when_the_required_revocation_check_fails(world: World) -> None:
    world.resources.revocations = UnavailableRevocations()

    answer = world.get("/pow?base=2&exp=5")

    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/revocation-unavailable"
    assert answer.headers["Retry-After"] == "1"
