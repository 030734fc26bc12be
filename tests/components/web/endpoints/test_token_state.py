"""Revocation and introspection of tokens by OAuth clients."""

from collections.abc import Callable
from pathlib import Path

import pytest
from httpx2 import Response

from tests.components.web.oauth import assert_error, post_form
from tests.components.web.openapi import resolve, validate
from tests.components.web.responses import assert_problem
from tests.conftest import World

INACTIVE = {"active": False}


@pytest.fixture
def world(client_world: World) -> World:
    return client_world


def send(world: World, path: str, client: str, token: str) -> Response:
    return post_form(world, path, f"client_id={client}&client_secret=s%3Acret&token={token}")


def client_token(world: World, name: str = "envoy") -> str:
    return world.tokens.client_token(name, ["math"]).access_token


def calculate(world: World, token: str) -> int:
    return world.client.get("/fib?n=10", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_client_revokes_its_own_token_and_no_other(world: World) -> None:
    revoked, other = client_token(world), client_token(world)

    response = world.client.post("/revoke", data={"token": revoked}, auth=("envoy", "s:cret"))

    assert (response.status_code, response.content, response.headers["cache-control"]) == (200, b"", "no-store")
    assert (calculate(world, revoked), calculate(world, other)) == (401, 200)


def test_a_client_cannot_revoke_the_tokens_of_other_clients_and_users(world: World) -> None:
    # The client id of tokens from /login equals the name of one of the clients.
    for token in (client_token(world, "gateway"), world.tokens.issue("alice", ["math"])):
        for client in ("envoy", "mathops"):
            assert_error(send(world, "/revoke", client, token), 400, "invalid_grant")
        assert not world.resources.revocations.revoked(world.tokens.verify(token).token_id)


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "x" * 9000, "%C3%A9", "%00"])
def test_unknown_tokens_are_revoked_without_an_error_and_are_inactive(world: World, token: str) -> None:
    assert send(world, "/revoke", "envoy", token).status_code == 200
    assert send(world, "/introspect", "gateway", token).json() == INACTIVE


def test_a_token_can_be_revoked_twice(world: World) -> None:
    token = client_token(world)

    assert [send(world, "/revoke", "envoy", token).status_code for _ in range(2)] == [200, 200]


def test_a_token_type_hint_is_ignored(world: World) -> None:
    token = client_token(world)

    assert send(world, "/revoke", "envoy", f"{token}&token_type_hint=refresh_token").status_code == 200
    assert calculate(world, token) == 401


def test_introspection_describes_the_tokens_of_users_and_clients(world: World) -> None:
    user = send(world, "/introspect", "gateway", world.tokens.issue("alice", ["math", "history"]))
    client = send(world, "/introspect", "gateway", client_token(world))

    assert user.headers["cache-control"] == "no-store"
    times = {name: user.json()[name] for name in ("exp", "iat")}
    assert times["exp"] - times["iat"] == world.settings.token_lifetime_seconds
    assert user.json() == {
        "active": True,
        "scope": "history math",
        "client_id": "mathops",
        "token_type": "Bearer",
        "sub": "alice",
        "aud": "mathops",
        "iss": "mathops",
        "jti": user.json()["jti"],
        **times,
    }
    assert (client.json()["sub"], client.json()["client_id"]) == ("client:envoy", "envoy")


def test_a_revoked_and_an_expired_token_are_inactive(make_world: Callable[..., World], clients_file: Path) -> None:
    world = make_world(clients_file=clients_file, token_lifetime_seconds=1, token_leeway_seconds=0)
    revoked = client_token(world)
    assert send(world, "/introspect", "gateway", revoked).json()["active"] is True
    send(world, "/revoke", "envoy", revoked)
    expired = client_token(world)
    expiry = world.tokens.verify(expired).expires
    world.tokens._clock = lambda: expiry

    assert send(world, "/introspect", "gateway", revoked).json() == INACTIVE
    assert send(world, "/introspect", "gateway", expired).json() == INACTIVE


def test_a_client_without_the_scope_cannot_introspect(world: World) -> None:
    assert_error(send(world, "/introspect", "envoy", client_token(world)), 403, "insufficient_scope")


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_unauthenticated_and_incomplete_requests_have_the_errors_of_the_standard(world: World, path: str) -> None:
    assert_error(post_form(world, path, "token=x"), 401, "invalid_client")
    assert_error(post_form(world, path, "token=x&client_id=gateway&client_secret=wrong"), 401, "invalid_client")
    assert_error(post_form(world, path, "client_id=gateway&client_secret=s%3Acret"), 400, "invalid_request")
    assert_error(send(world, path, "gateway", "x&token=y"), 400, "invalid_request")
    assert_problem(world.client.get(path), 405, "method-not-allowed")


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_the_state_of_a_token_is_unavailable_with_the_journal(world: World, path: str) -> None:
    world.resources.revocations.error = "unavailable"  # type: ignore[attr-defined]

    assert_problem(send(world, path, "gateway", client_token(world, "gateway")), 503, "journal-unavailable")


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_without_a_clients_file_neither_exists(make_world: Callable[..., World], path: str) -> None:
    assert_problem(send(make_world(), path, "gateway", "x"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "client", "status"),
    [
        ("/introspect", "gateway", 200),
        ("/introspect", "envoy", 403),
        ("/introspect", "mallory", 401),
        ("/revoke", "gateway", 400),
    ],
)
def test_each_response_is_described(world: World, path: str, client: str, status: int) -> None:
    document = world.client.get("/openapi.json").json()
    described = document["paths"][path]["post"]

    response = send(world, path, client, client_token(world))

    assert response.status_code == status
    content = resolve(document, described["responses"][str(status)])["content"]
    validate(document, content["application/json"]["schema"], response.json())
    assert ("403" in described["responses"]) == (path == "/introspect")
    assert "content" not in document["paths"]["/revoke"]["post"]["responses"]["200"]
