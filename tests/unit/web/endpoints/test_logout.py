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


def test_after_logout_the_token_is_rejected_and_others_of_the_same_user_are_not(world: World) -> None:
    token, other = world.bearer(), world.bearer()

    assert world.client.post("/logout", headers=token).status_code == 204

    response = world.client.get("/pow?base=2&exp=5", headers=token)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert "revoked" in response.json()["detail"]
    assert world.client.get("/pow?base=2&exp=5", headers=other).status_code == 200


def test_logout_needs_a_token(world: World) -> None:
    assert world.client.post("/logout").status_code == 401


def test_logout_is_not_found_where_revocation_is_off(make_world: Callable[..., World]) -> None:
    world = make_world()

    response = world.client.post("/logout", headers=world.bearer())

    assert response.status_code == 404
    assert "MATHOPS_REVOCATION" in response.json()["detail"]


def test_a_failed_revocation_check_is_503_when_it_is_required(world: World) -> None:
    world.resources.revocations = UnavailableRevocations()

    response = world.get("/pow?base=2&exp=5")

    assert response.status_code == 503
    assert response.json()["type"] == "/problems/revocation-unavailable"
    assert response.headers["Retry-After"] == "1"
