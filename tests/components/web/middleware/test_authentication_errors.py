"""Every kind of invalid credentials, and its response."""

from collections.abc import Callable, Sequence

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from mathops.operations import OPERATIONS, Operation
from mathops.telemetry import metrics
from mathops.web.routes import routes
from tests.conftest import World

PUBLIC_PATHS = {endpoint.path for endpoint in routes(OPERATIONS) if endpoint.public}
METADATA = "/.well-known/oauth-authorization-server"
POSTED_PATHS = {"/login", "/token", "/revoke", "/introspect"}
INVALID = 'Bearer realm="mathops", error="invalid_token", error_description="{}"'


def ask(world: World, path: str = "/fib?n=1", authorization: Sequence[str] = ()) -> Response:
    return world.client.get(path, headers=[("Authorization", value) for value in authorization])


@pytest.mark.parametrize(
    "path", sorted(path for path in PUBLIC_PATHS - POSTED_PATHS - {METADATA} if "{slug}" not in path)
)
def test_a_public_path_requires_no_token(world: World, path: str) -> None:
    response = world.client.get(path, follow_redirects=False)

    assert response.status_code in (200, 307)


def test_the_public_paths_are_these_and_no_others() -> None:
    assert {
        "/",
        "/login",
        "/token",
        "/revoke",
        "/introspect",
        "/livez",
        "/readyz",
        "/startupz",
        "/metrics",
        "/version",
        "/openapi.json",
        "/docs",
        "/console/{slug}",
        "/event.schema.json",
        "/asyncapi.json",
        "/.well-known/jwks.json",
        METADATA,
        "/problems/{slug}",
        "/session",
        "/sign-in/{slug}",
        "/callback/{slug}",
    } == PUBLIC_PATHS


@pytest.mark.parametrize("path", ["/problems/unauthorized", "/console/style.css"])
def test_a_public_path_with_a_parameter_requires_no_token(world: World, path: str) -> None:
    assert ask(world, path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *(path for operation in OPERATIONS for path in operation.paths),
        "/history",
        "/nothing",
        "/problems",
        "/docs/",
        *(f"/{operation.name}/plan" for operation in OPERATIONS),
        "/console",
        "/x/console/style.css",
        "/LIVEZ",
        "/livez/",
        "//livez",
        "/metrics/x",
        "/x/problems/unauthorized",
    ],
)
def test_every_other_path_requires_a_token_whether_it_exists_or_not(world: World, path: str) -> None:
    response = world.client.get("http://testserver" + path)

    assert response.status_code == 401
    assert response.json()["detail"] == "send Authorization: Bearer <token>; get a token with POST /login"
    # RFC 6750, section 3.1: no error code without credentials.
    assert response.headers["www-authenticate"] == 'Bearer realm="mathops"'


@pytest.mark.parametrize("value", ["Basic {token}", "Basic YTpi", "Digest x", "{token}", "Bearer:{token}", ""])
def test_another_scheme_gets_a_challenge_without_an_error(world: World, value: str) -> None:
    token = world.tokens.issue("alice", ["math"])

    response = ask(world, authorization=[value.format(token=token)])

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="mathops"'
    assert "send Authorization: Bearer" in response.json()["detail"]


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer  "])
def test_a_header_without_a_bearer_token_is_rejected(world: World, value: str) -> None:
    token = world.tokens.issue("alice", ["math"])

    response = ask(world, authorization=[value.format(token=token)])

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == INVALID.format("the Authorization header has no bearer token")
    assert response.json()["detail"] == "the Authorization header has no bearer token; get a token with POST /login"


@pytest.mark.parametrize("value", ["Bearer {token}", "bearer {token}", "BEARER {token}", "Bearer   {token} "])
def test_the_scheme_may_be_in_any_case_and_blanks_do_not_matter(world: World, value: str) -> None:
    token = world.tokens.issue("alice", ["math"])

    assert ask(world, authorization=[value.format(token=token)]).status_code == 200


def test_the_body_is_read_after_a_valid_token(world: World) -> None:
    response = world.client.post("/fib", json={"n": 10}, headers=world.bearer())

    assert response.json()["result"] == "55"


def test_two_authorization_headers_are_rejected_even_if_both_are_valid(world: World) -> None:
    good = world.bearer()["Authorization"]

    response = ask(world, authorization=[good, good])

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == INVALID.format("the Authorization header is repeated")


@pytest.mark.parametrize(
    ("path", "granted", "needed"),
    [
        ("/fib?n=1", "history", ["math:fib", "math"]),
        ("/fib?n=1", "math:pow", ["math:fib", "math"]),
        ("/power", "history", ["math:pow", "math"]),
        ("/history", "math", ["history"]),
        ("/history", "math:pow", ["history"]),
    ],
)
def test_a_token_without_the_scope_is_forbidden_and_the_scope_named(
    world: World, path: str, granted: str, needed: list[str]
) -> None:
    response = world.client.get(path, headers=world.bearer(scopes=(granted,)))

    assert response.status_code == 403
    assert response.json()["type"] == "/problems/insufficient-scope"
    assert response.json()["detail"] == f"the token lacks the scope {' or '.join(needed)}"
    assert (
        response.headers["www-authenticate"]
        == f'Bearer realm="mathops", error="insufficient_scope", scope="{needed[0]}"'
    )


def test_a_path_that_needs_no_scope_of_its_own_takes_any_token(world: World) -> None:
    assert world.client.get("/nothing", headers=world.bearer(scopes=())).status_code == 404


def test_a_rejected_token_is_counted_and_a_missing_scope_is_not(world: World) -> None:
    before = metrics.AUTHENTICATION_FAILURES._value.get()

    ask(world)
    ask(world, authorization=["Bearer x"])
    world.client.get("/fib?n=1", headers=world.bearer(scopes=("history",)))

    assert metrics.AUTHENTICATION_FAILURES._value.get() - before == 2


def test_rejected_tokens_are_charged_to_the_address_and_recorded_without_a_user(world: World) -> None:
    ask(world, authorization=["Bearer x"])
    world.client.get("/fib?n=1", headers=world.bearer(scopes=("history",)))

    assert [(record.user, record.status) for record in world.journal.records] == [(None, 401), ("alice", 403)]


def test_rejected_tokens_over_the_quota_of_an_address_are_429_and_not_recorded(
    make_world: Callable[..., World],
) -> None:
    world = make_world({"unauthenticated": 2})

    statuses = [ask(world, authorization=["Bearer x"]).status_code for _ in range(4)]
    last = ask(world)

    assert statuses == [401, 401, 429, 429]
    assert last.json()["type"] == "/problems/quota-exceeded"
    assert last.json()["detail"].startswith("the quota of 2 rejected tokens in 60 s is used up")
    assert last.headers["retry-after"] == "60"
    assert [record.status for record in world.journal.records] == [401, 401]
    assert list(world.rate_limiter.charged) == [("unauthenticated", "testclient")]
    assert world.get("/fib?n=1").status_code == 200


def test_a_caller_without_an_address_is_charged_as_unknown(make_world: Callable[..., World]) -> None:
    world = make_world({"unauthenticated": 1})

    async def addressless(scope: Scope, receive: Receive, send: Send) -> None:
        await world.client.app({**scope, "client": None}, receive, send)

    assert TestClient(addressless).get("/fib?n=1").status_code == 401
    assert list(world.rate_limiter.charged) == [("unauthenticated", "unknown")]


def test_another_header_may_be_repeated(world: World) -> None:
    headers = [("Authorization", world.bearer()["Authorization"]), ("X-Test", "1"), ("X-Test", "2")]

    assert world.client.get("/fib?n=1", headers=headers).status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_scope_of_an_operation_permits_all_its_paths_and_no_other(world: World, operation: Operation) -> None:
    headers = world.bearer(scopes=(f"math:{operation.name}",))
    query = {parameter.name: str(parameter.example) for parameter in operation.parameters}

    statuses = {path: world.client.get(path, params=query, headers=headers).status_code for path in operation.paths}

    assert set(statuses.values()) == {200}
    for other in OPERATIONS:
        if other is not operation:
            assert world.client.get(other.paths[0], headers=headers).status_code == 403
