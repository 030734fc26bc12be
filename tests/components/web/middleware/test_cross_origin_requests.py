"""Web pages of allowed origins read every response; the tests cover reported errors of other services."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT
from tests.components.web import asgi
from tests.components.web.responses import assert_problem
from tests.conftest import World

ORIGIN = "https://app.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization,if-none-match,x-request-id",
}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(
        limits={"requests": 3, "unauthenticated": 3},
        quota_requests="3/minute",
        cors_origins=f"{ORIGIN},http://localhost:3000",
    )


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_by_default_no_origin_is_allowed(make_world: Callable[..., World]) -> None:
    world = make_world()

    assert world.client.options("/pow", headers=PREFLIGHT).status_code == 401
    headers = world.get("/pow?base=2&exp=5", Origin=ORIGIN).headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["vary"] == "accept"


@pytest.mark.parametrize("path", ["/pow", "/login", "/history", "/livez", "/problems/not-found", "/unknown"])
def test_a_preflight_request_needs_no_token(world: World, path: str) -> None:
    response = world.client.options(path, headers=PREFLIGHT)

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert {"GET", "HEAD", "POST"} == set(response.headers["access-control-allow-methods"].split(", "))
    assert {"Authorization", "Content-Type"} <= set(response.headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in response.headers
    assert "Origin" in response.headers["vary"]
    assert response.headers["x-request-id"]


def test_preflight_requests_are_neither_limited_nor_recorded(world: World) -> None:
    route = {"method": "OPTIONS", "route": "/pow", "status": "200"}
    operation = {"operation": "pow", "outcome": "ok", "cache": "none"}
    before = _count("http_requests_total", **route), _count("mathops_operations_total", **operation)

    assert {world.client.options("/pow", headers=PREFLIGHT).status_code for _ in range(10)} == {200}

    assert world.rate_limiter.charged == {}
    assert world.journal.records == []
    assert _count("http_requests_total", **route) == before[0] + 10
    assert _count("mathops_operations_total", **operation) == before[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "https://app.example.evil"),
        ("Origin", "https://evil-app.example"),
        ("Origin", "http://app.example"),
        ("Origin", "https://app.example:8443"),
        ("Origin", "null"),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "authorization,cookie"),
    ],
)
def test_other_preflight_requests_are_denied(world: World, name: str, value: str) -> None:
    response = world.client.options("/pow", headers={**PREFLIGHT, name: value})

    assert response.status_code == 400
    allowed = response.headers.get("access-control-allow-origin")
    assert allowed == (None if name == "Origin" else ORIGIN)


def test_a_preflight_request_to_a_private_address_succeeds(world: World) -> None:
    headers = {**PREFLIGHT, "Access-Control-Request-Private-Network": "true"}

    assert world.client.options("/pow", headers=headers).headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("headers", [{}, {"Origin": ORIGIN}, {"Access-Control-Request-Method": "GET"}])
def test_other_options_requests_need_a_token(world: World, headers: dict[str, str]) -> None:
    assert_problem(world.client.options("/pow", headers=headers), 401, "unauthorized")
    assert [(row.status, row.problem) for row in world.journal.records] == [(401, "unauthorized")]


def test_a_page_reads_a_result_and_its_headers(world: World) -> None:
    headers = world.get("/pow?base=2&exp=5", Origin=ORIGIN).headers

    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-expose-headers"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert headers["vary"] == "accept, Origin"


@pytest.mark.parametrize(
    ("target", "sent", "status"),
    [
        ("/pow?base=x&exp=1", {}, 422),
        ("/pow?base=2&exp=5", {"Authorization": ""}, 401),
        ("/pow?base=2&exp=5", {"If-None-Match": "*"}, 304),
        ("/pow?base=2&exp=5", {"If-Match": '"other"'}, 412),
        ("/pow?base=2&exp=5", {"Accept": "image/png"}, 406),
        ("/fib?n=" + "9" * 9000, {}, 414),
        ("/fib?n=1", {"X-Long": "x" * 40000}, 431),
        ("/unknown", {}, 404),
        ("/login", {}, 405),
        ("/", {}, 307),
        ("/metrics", {}, 200),
    ],
)
def test_a_page_reads_every_response(world: World, target: str, sent: dict[str, str], status: int) -> None:
    headers = {**world.bearer(), "Origin": ORIGIN, **sent}
    response = world.client.get(target, headers=headers, follow_redirects=False)

    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-expose-headers"] == "*"


def test_a_page_reads_why_its_quota_is_used_up(world: World) -> None:
    for _ in range(3):
        world.get("/fib?n=1")

    response = world.get("/fib?n=1", Origin=ORIGIN)

    assert_problem(response, 429, "quota-exceeded")
    assert response.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_reads_internal_errors(world: World) -> None:
    world.compute.error = RuntimeError("unexpected")
    failed = world.get("/pow?base=10&exp=100000", Origin=ORIGIN)
    world.journal.error = "the disk is full"
    withheld = world.get("/fib?n=1", Origin=ORIGIN)

    assert_problem(failed, 500, "internal-error")
    assert_problem(withheld, 503, "journal-unavailable")
    assert {response.headers["access-control-allow-origin"] for response in (failed, withheld)} == {ORIGIN}


@pytest.mark.parametrize("origin", [None, "https://other.example", "null"])
def test_caches_distinguish_origins(world: World, origin: str | None) -> None:
    sent = {"Origin": origin} if origin else {}
    for path in ("/openapi.json", "/console/docs.js", "/.well-known/jwks.json"):
        # The responses of some paths are made once, and must not collect headers.
        for _ in range(2):
            headers = world.client.get(path, headers=sent).headers

            assert "access-control-allow-origin" not in headers
            assert headers["vary"].split(", ").count("Origin") == 1


def test_any_origin_may_be_allowed(make_world: Callable[..., World]) -> None:
    world = make_world(cors_origins="*")

    headers = world.get("/fib?n=1", Origin="https://other.example").headers

    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert world.client.options("/fib", headers=PREFLIGHT).headers["access-control-allow-origin"] == "*"
    # The header is absent without Origin.
    assert "Origin" in world.client.get("/openapi.json").headers["vary"]


@pytest.mark.anyio
async def test_the_connection_limit_holds_for_preflight_requests(world: World) -> None:
    for method, headers, status in (("OPTIONS", PREFLIGHT, 200), ("GET", {"Origin": ORIGIN}, 503)):
        request = asgi.scope(method, "/fib?n=1", headers)
        request["extensions"] = {OVER_CONNECTION_LIMIT: {}}

        start = (await asgi.exchange(world.client.app, request, []))[0]

        assert start["status"] == status
        assert (b"connection", b"close") in start["headers"]
        assert (b"access-control-allow-origin", ORIGIN.encode()) in start["headers"]
