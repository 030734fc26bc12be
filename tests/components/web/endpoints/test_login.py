"""Getting a token, in the demo and with a users file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mathops.identity import keys
from mathops.telemetry import metrics
from tests.components.web.responses import assert_problem
from tests.conftest import World

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"alice:{CHEAP.hash('secret')}:math history\nbob:{CHEAP.hash('other')}:math\n")
    return path


@pytest.fixture
def secured(make_world: Callable[..., World], users_file: Path) -> World:
    return make_world(users_file=users_file)


def test_anyone_may_log_in_to_the_demo(world: World) -> None:
    response = world.client.post("/login", json={"user": "alice"})

    assert response.status_code == 200
    document = response.json()
    assert document["token"] == document["access_token"]
    assert (document["token_type"], document["expires_in"], document["scope"]) == ("Bearer", 3600, "math history")
    assert response.headers["cache-control"] == "no-store"


def test_the_token_grants_its_scopes(world: World) -> None:
    token = world.client.post("/login", json={"user": "carol"}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    assert world.client.get("/fib?n=10", headers=headers).json()["result"] == "55"
    assert world.client.get("/history", headers=headers).json()["records"][0]["user"] == "carol"


def test_the_lifetime_is_that_of_the_settings(make_world: Callable[..., World]) -> None:
    world = make_world(token_lifetime_seconds=60)

    assert world.client.post("/login", json={"user": "alice"}).json()["expires_in"] == 60


def test_with_a_users_file_the_password_is_accepted(secured: World) -> None:
    response = secured.client.post("/login", json={"user": "bob", "password": "other"})

    assert response.json()["scope"] == "math"
    headers = {"Authorization": f"Bearer {response.json()['token']}"}
    assert secured.client.get("/fib?n=10", headers=headers).status_code == 200
    assert_problem(secured.client.get("/history", headers=headers), 403, "insufficient-scope")


def test_failed_logins_are_counted(secured: World) -> None:
    before = metrics.AUTHENTICATION_FAILURES._value.get()

    for password in ("wrong", "secret"):
        secured.client.post("/login", json={"user": "alice", "password": password})

    assert metrics.AUTHENTICATION_FAILURES._value.get() - before == 1


def test_a_wrong_password_and_an_unknown_user_get_the_same_response(secured: World) -> None:
    responses = [
        secured.client.post("/login", json={"user": user, "password": "wrong"}) for user in ("alice", "mallory")
    ]

    one, other = (assert_problem(response, 401, "unauthorized") for response in responses)
    assert one["detail"] == other["detail"]
    assert responses[0].headers["www-authenticate"] == responses[1].headers["www-authenticate"]


@pytest.mark.parametrize(
    "password", [{}, {"password": None}, {"password": ""}, {"password": "x" * 1025}, {"password": 5}]
)
def test_with_a_users_file_a_password_is_needed(secured: World, password: dict[str, object]) -> None:
    document = assert_problem(
        secured.client.post("/login", json={"user": "alice", **password}), 422, "invalid-parameter"
    )

    assert document["errors"][0]["parameter"] == "password"


def test_a_password_with_a_lone_surrogate_is_wrong(secured: World) -> None:
    response = secured.client.post(
        "/login", content=r'{"user": "alice", "password": "\ud800"}', headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 401, "unauthorized")


@pytest.mark.parametrize(
    "user", [None, "", 5, True, [], {}, "a b", "-a", ".a", "a" * 65, "é", "a\n", "a\x00", "a/b", "<b>", "a:b"], ids=repr
)
def test_an_invalid_user_name_is_rejected(world: World, user: object) -> None:
    document = assert_problem(world.client.post("/login", json={"user": user}), 422, "invalid-parameter")

    assert document["errors"][0]["parameter"] == "user"


@pytest.mark.parametrize("user", ["a", "A1", "alice@example.org", "a.b-c_d", "a" * 64, "0"])
def test_usual_names_are_accepted(world: World, user: str) -> None:
    assert world.client.post("/login", json={"user": user}).status_code == 200


def test_all_errors_of_a_login_are_reported(secured: World) -> None:
    document = assert_problem(secured.client.post("/login", json={"name": "alice"}), 422, "invalid-parameter")

    assert {error["parameter"] for error in document["errors"]} == {"name", "user", "password"}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"alice"', '{"user": "a", "user": "b"}', '{"user": NaN}', "[" * 9999]
)
def test_a_login_that_is_no_json_object_is_malformed(world: World, content: str) -> None:
    response = world.client.post("/login", content=content, headers={"Content-Type": "application/json"})

    assert_problem(response, 400, "malformed-request")


def test_form_data_is_not_json(world: World) -> None:
    assert_problem(world.client.post("/login", data={"user": "alice"}), 415, "unsupported-media-type")


def test_lone_surrogates_in_names_are_rejected(world: World) -> None:
    response = world.client.post(
        "/login", content=r'{"user": "\ud800", "\udfff": 1}', headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 422, "invalid-parameter")


def test_password_guesses_over_the_quota_are_rejected_and_so_is_the_right_one(
    make_world: Callable[..., World], users_file: Path
) -> None:
    world = make_world(limits={"login": 3}, users_file=users_file)
    guesses = ["a", "b", "c", "d", "secret"]

    responses = [world.client.post("/login", json={"user": "alice", "password": guess}) for guess in guesses]

    assert [response.status_code for response in responses] == [401, 401, 401, 429, 429]
    assert_problem(responses[-1], 429, "quota-exceeded")
    assert responses[-1].headers["retry-after"] == "60"


def test_guesses_and_rejected_tokens_do_not_lock_out_other_users_of_the_address(
    make_world: Callable[..., World], users_file: Path
) -> None:
    world = make_world(limits={"login": 2, "unauthenticated": 2}, users_file=users_file)
    tokens = [world.client.get("/history", headers={"Authorization": "Bearer x"}).status_code for _ in range(3)]
    guesses = [world.client.post("/login", json={"user": "bob", "password": "wrong"}).status_code for _ in range(3)]

    assert (tokens, guesses) == ([401, 401, 429], [401, 401, 429])
    assert world.client.post("/login", json={"user": "alice", "password": "secret"}).status_code == 200


def test_the_demo_counts_no_logins(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"login": 1, "unauthenticated": 1})

    assert [world.client.post("/login", json={"user": "alice"}).status_code for _ in range(3)] == [200] * 3


def test_all_public_keys_are_published(world: World) -> None:
    keys.rotate(world.settings.keys_path)
    world.resources.keys = keys.Keys(world.settings.keys_path)

    response = world.client.get("/.well-known/jwks.json")

    assert [key["kid"] for key in response.json()["keys"]] == [key.kid for key in keys.read(world.settings.keys_path)]
    assert len(response.json()["keys"]) == 2
    assert not any("d" in key for key in response.json()["keys"])
    assert response.headers["cache-control"] == "public, max-age=60"
