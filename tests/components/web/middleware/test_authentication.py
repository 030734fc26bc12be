"""Which tokens are accepted, and how the others are rejected."""

from collections.abc import Callable

import pytest

from tests.components.web.asgi import body, exchange, scope, status_of
from tests.components.web.responses import assert_problem
from tests.conftest import World

TARGET = "/fib?n=10"


def test_a_request_without_a_token_gets_a_hint_to_login(world: World) -> None:
    response = world.client.get(TARGET)

    assert "POST /login" in assert_problem(response, 401, "unauthorized")["detail"]
    # RFC 6750, section 3.1: no error code without a token.
    assert response.headers["www-authenticate"] == 'Bearer realm="mathops"'


def test_a_token_in_the_query_or_in_a_cookie_is_no_credential(world: World) -> None:
    token = world.tokens.issue("alice", ["math"])

    for target, headers in ((f"{TARGET}&access_token={token}", {}), (TARGET, {"Cookie": f"access_token={token}"})):
        assert_problem(world.client.get(target, headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(
    "field",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "bearer\tx",
        "Token x",
        "Bearer " + "x" * 20000,
    ],
)
def test_a_header_without_a_valid_token_is_rejected(world: World, field: str) -> None:
    response = world.client.get(TARGET, headers={"Authorization": field})

    assert_problem(response, 401, "unauthorized")
    assert ('error="invalid_token"' in response.headers["www-authenticate"]) == field.startswith("Bearer")
    assert [(row.status, row.user) for row in world.journal.records] == [(401, None)]


def test_non_ascii_bytes_are_rejected(world: World) -> None:
    response = world.client.get(TARGET, headers=[(b"Authorization", "Bearer é.ü.ö".encode("latin-1"))])

    assert_problem(response, 401, "unauthorized")


@pytest.mark.anyio
@pytest.mark.parametrize("second", ["", "Bearer x", None])
async def test_two_authorization_headers_are_rejected(world: World, second: str | None) -> None:
    own = world.bearer()["Authorization"]
    for pair in ((own, own if second is None else second), (own if second is None else second, own)):
        request = scope("GET", TARGET, [("Authorization", value) for value in pair])

        assert status_of(await exchange(world.client.app, request, [body(b"")])) == 401


@pytest.mark.parametrize(
    ("scopes", "path", "needed"),
    [(("history",), TARGET, "math:fib"), (("math:pow",), TARGET, "math:fib"), (("math",), "/history", "history")],
)
def test_a_token_without_the_scope_gets_its_name(world: World, scopes: tuple[str, ...], path: str, needed: str) -> None:
    response = world.client.get(path, headers=world.bearer("bob", scopes))

    assert needed in assert_problem(response, 403, "insufficient-scope")["detail"]
    assert response.headers["www-authenticate"] == (
        f'Bearer realm="mathops", error="insufficient_scope", scope="{needed}"'
    )


def test_the_record_of_a_missing_scope_names_the_user(world: World) -> None:
    world.client.get(TARGET, headers=world.bearer("bob", ("history",)))

    assert [(row.status, row.user) for row in world.journal.records] == [(403, "bob")]


def test_rejected_tokens_over_the_quota_are_not_recorded(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"unauthenticated": 5})

    responses = [world.client.get(TARGET, headers={"Authorization": "Bearer x"}) for _ in range(50)]

    assert [response.status_code for response in responses] == [401] * 5 + [429] * 45
    assert_problem(responses[-1], 429, "quota-exceeded")
    assert responses[-1].headers["retry-after"] == "60"
    assert len(world.journal.records) == 5
    assert world.get(TARGET).status_code == 200


def test_a_valid_token_costs_nothing_of_the_address(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"unauthenticated": 1})
    for _ in range(5):
        assert world.get(TARGET).status_code == 200

    assert world.rate_limiter.charged == {}


@pytest.mark.anyio
async def test_each_address_has_its_own_quota(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"unauthenticated": 1})

    async def asked_from(client: tuple[str, int] | None) -> int:
        request = {**scope("GET", TARGET), "client": client}
        return status_of(await exchange(world.client.app, request, [body(b"")]))

    assert [await asked_from(("192.0.2.1", 1)), await asked_from(("192.0.2.1", 2))] == [401, 429]
    assert await asked_from(("192.0.2.2", 1)) == 401
    assert [await asked_from(None), await asked_from(None)] == [401, 429]
