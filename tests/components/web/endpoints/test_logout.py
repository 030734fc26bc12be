from tests.conftest import World
from tests.support.fakes import FakeRevocations


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


def test_tokens_are_rejected_while_the_revoked_ones_are_unknown(world: World) -> None:
    revocations = FakeRevocations()
    revocations.error = "unavailable"
    world.resources.revocations = revocations

    response = world.get("/pow?base=2&exp=5")

    assert response.status_code == 503
    assert response.json()["type"] == "/problems/journal-unavailable"
    assert response.headers["Retry-After"] == "1"
