"""Tokens for OAuth 2 clients."""

from collections.abc import Callable
from pathlib import Path

import pytest
from httpx2 import Response

from tests.components.web.oauth import FORM_TYPE, assert_error, post_form
from tests.components.web.openapi import resolve, validate
from tests.components.web.responses import assert_problem
from tests.conftest import World

CREDENTIALS = {"client_id", "client_secret", "client_assertion", "client_assertion_type"}
GRANT = {"grant_type": "client_credentials"}
POSTED = "grant_type=client_credentials&client_id=envoy&client_secret=s%3Acret"


@pytest.fixture
def world(client_world: World) -> World:
    return client_world


def post(world: World, content: str | bytes, **headers: str) -> Response:
    return post_form(world, "/token", content, **headers)


def test_a_client_gets_a_token_with_its_own_subject(world: World) -> None:
    basic = world.client.post("/token", data=GRANT, auth=("envoy", "s:cret"))
    posted = post(world, POSTED)

    for response in (basic, posted):
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
        assert set(response.json()) == {"access_token", "token_type", "expires_in", "scope"}
        assert response.json()["scope"] == "math history"
        assert world.tokens.verify(response.json()["access_token"]).user == "client:envoy"


def test_a_client_may_ask_for_fewer_scopes(world: World) -> None:
    token = post(world, POSTED + "&scope=math").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    assert world.client.get("/fib?n=10", headers=headers).status_code == 200
    assert_problem(world.client.get("/history", headers=headers), 403, "insufficient-scope")


def test_a_client_of_all_operations_may_ask_for_one(world: World) -> None:
    token = post(world, POSTED + "&scope=math:pow").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    assert world.client.get("/pow?base=2&exp=5", headers=headers).status_code == 200
    assert_problem(world.client.get("/fib?n=10", headers=headers), 403, "insufficient-scope")


def test_a_client_may_not_ask_for_more_than_its_own_scopes(world: World) -> None:
    posted = POSTED.replace("envoy", "pow")

    for scope in ("math", "math:fib", "history", "math:pow history"):
        assert_error(post(world, f"{posted}&scope={scope}"), 400, "invalid_scope")
    assert post(world, posted).json()["scope"] == "math:pow"


HEADERS = ("Basic", "Basic !", "Basic /w==", "Basic ZW52b3k=", "Basic ZW52b3k6JWZm", "Bearer x")


@pytest.mark.parametrize("header", HEADERS)
def test_a_malformed_header_is_an_invalid_client(world: World, header: str) -> None:
    assert_error(post(world, "grant_type=client_credentials", Authorization=header), 401, "invalid_client")


@pytest.mark.parametrize("name", ["envoy", "mallory", "a" * 65, "\u00e9", ""])
def test_a_wrong_secret_and_an_unknown_client_get_the_same_response(world: World, name: str) -> None:
    response = world.client.post("/token", data={**GRANT, "client_id": name, "client_secret": "wrong"})

    assert_error(response, 401, "invalid_client")
    assert response.json()["error_description"] == "unknown client or wrong credentials"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (POSTED + "&scope=", None),
        (POSTED + "&scope=root", "invalid_scope"),
        (POSTED + "&scope=%ED%A0%80", "invalid_request"),
        (POSTED + "&scope=math&scope=math", "invalid_request"),
        (POSTED.replace("client_credentials", "password"), "unsupported_grant_type"),
        (POSTED.replace("grant_type", "grant"), "invalid_request"),
        (POSTED + "&a" * 40, "invalid_request"),
        (b"\xff", "invalid_request"),
    ],
)
def test_invalid_requests_have_the_errors_of_the_standard(
    world: World, content: str | bytes, error: str | None
) -> None:
    response = post(world, content)

    if error is None:
        assert response.status_code == 200
    else:
        assert_error(response, 400, error)


def test_json_and_two_secrets_are_invalid_requests(world: World) -> None:
    assert_error(world.client.post("/token", json=GRANT), 400, "invalid_request")
    assert_error(post(world, POSTED, Authorization="Basic ZW52b3k6eA=="), 400, "invalid_request")


def test_an_oversized_form_is_rejected(world: World) -> None:
    assert_problem(post(world, POSTED + "&scope=" + "x" * 70_000), 413, "content-too-large")


def test_guesses_over_the_quota_are_rejected(make_world: Callable[..., World], clients_file: Path) -> None:
    world = make_world(limits={"login": 2}, clients_file=clients_file)
    guess = POSTED.replace("s%3Acret", "wrong")

    assert [post(world, guess).status_code for _ in range(3)] == [401, 401, 429]
    assert post(world, POSTED).headers["retry-after"] == "60"


def test_successful_authentications_do_not_use_up_the_quota(
    make_world: Callable[..., World], clients_file: Path
) -> None:
    world = make_world(limits={"login": 2}, clients_file=clients_file)

    assert [post(world, POSTED).status_code for _ in range(5)] == [200] * 5


def test_without_a_clients_file_there_is_no_token_endpoint(make_world: Callable[..., World]) -> None:
    assert_problem(post(make_world(), POSTED), 404, "not-found")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (POSTED, 200),
        (POSTED + "&scope=root", 400),
        ("grant_type=client_credentials", 401),
        (POSTED.replace("s%3Acret", "wrong"), 429),
        (POSTED + "&scope=" + "x" * 70_000, 413),
    ],
)
def test_the_form_and_each_response_are_described(
    make_world: Callable[..., World], clients_file: Path, content: str, status: int
) -> None:
    world = make_world(limits={"login": 1 if status == 429 else 100}, clients_file=clients_file)
    document = world.client.get("/openapi.json").json()
    described = document["paths"]["/token"]["post"]
    if status == 429:
        post(world, content)

    response = post(world, content)

    assert response.status_code == status
    assert described["security"] == [{"client": []}, {}]
    assert set(described["requestBody"]["content"]) == {FORM_TYPE}
    part = resolve(document, described["responses"][str(status)])
    media_type = response.headers["content-type"]
    validate(document, part["content"][media_type]["schema"], response.json())
    assert {"retry-after", "www-authenticate"} & set(response.headers) <= {name.lower() for name in part["headers"]}


def test_the_form_of_the_document_is_the_form_that_is_accepted(world: World) -> None:
    document = world.client.get("/openapi.json").json()
    form = resolve(document, document["paths"]["/token"]["post"]["requestBody"]["content"][FORM_TYPE]["schema"])

    assert set(form["properties"]) == {*CREDENTIALS, "grant_type", "scope"}
    assert form["required"] == ["grant_type"]
    sent = {"client_id": "envoy", "client_secret": "s:cret", "grant_type": form["properties"]["grant_type"]["enum"][0]}
    assert world.client.post("/token", data=sent).status_code == 200
