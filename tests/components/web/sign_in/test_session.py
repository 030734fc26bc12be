"""The session cookie authenticates requests of the service's own pages, and no others."""

from collections.abc import Callable
from itertools import product

import pytest

from mathops.identity import keys
from tests.components.web.responses import assert_problem
from tests.components.web.sign_in.conftest import ADDRESS, SAME_ORIGIN, Visitor, change_issuers
from tests.conftest import World
from tests.support.sign_in_issuer import SignInIssuer

TARGET = "/fib?n=10"
NAME = "__Host-mathops-session"


@pytest.fixture
def user(visitor: Visitor) -> Visitor:
    """Signed in."""
    assert visitor.sign_in().status_code == 303
    return visitor


OTHER_SITES: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    # A link in a mail program.
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "same-origin, same-origin"},
    {"Sec-Fetch-Site": "cross-site", "Origin": ADDRESS},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://mathops.example"},
    {"Origin": f"{ADDRESS}:444"},
    {"Origin": f"{ADDRESS}.evil.example"},
    {"Referer": f"{ADDRESS}/"},
)


def test_another_site_cannot_use_the_session(user: Visitor, world: World) -> None:
    requests = [("GET", TARGET), ("HEAD", TARGET), ("POST", "/fib"), ("POST", "/sign-out"), ("POST", "/logout")]
    for headers, (method, target) in product(OTHER_SITES, requests):
        response = user.client.request(method, target, headers=headers)
        assert response.status_code == 401, (headers, method, target)
        assert "access-control-allow-credentials" not in response.headers
        assert user.client.get("/session", headers=headers).json()["user"] is None
    assert {record.user for record in world.journal.records} == {None}
    assert user.session()["user"]


@pytest.mark.parametrize("headers", [SAME_ORIGIN, {"Origin": ADDRESS}, {"Origin": ADDRESS.upper()}])
def test_a_page_of_the_service_uses_the_session(user: Visitor, headers: dict[str, str]) -> None:
    assert user.client.get(TARGET, headers=headers).status_code == 200


def test_cors_never_allows_credentials(make: Callable[..., World], issuer: SignInIssuer) -> None:
    visitor = Visitor(make(issuer.entry(), cors_origins="https://app.example"), issuer)
    visitor.sign_in()

    response = visitor.client.get(TARGET, headers={"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in response.headers


def test_an_authorization_header_replaces_the_session(user: Visitor, world: World) -> None:
    assert_problem(user.get(TARGET, Authorization="Bearer x"), 401, "unauthorized")
    assert_problem(user.get(TARGET, Authorization=""), 401, "unauthorized")
    assert user.get(TARGET, **world.bearer("bob")).status_code == 200
    assert world.journal.records[-1].user == "bob"


def test_shared_caches_store_no_response_to_a_session(user: Visitor) -> None:
    assert user.get(TARGET).headers["cache-control"].startswith("private")
    for target in ("/history", "/session", "/fib/plan?n=1", "/fib?n=x"):
        assert user.get(target).headers["cache-control"] in ("no-store", "private, no-store")


def test_the_session_has_the_scopes_of_its_user(user: Visitor) -> None:
    assert_problem(user.client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}), 401, "unauthorized")
    assert user.client.post("/logout", headers=SAME_ORIGIN).status_code == 204
    assert_problem(user.get(TARGET), 401, "unauthorized")


def test_a_changed_cookie_is_rejected(user: Visitor) -> None:
    head, claims, signature = user.client.cookies[NAME].split(".")
    for value in (f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}.", "x", "a.b.c", "x" * 12_000):
        user.client.cookies.set(NAME, value, domain="mathops.example", path="/")
        response = user.get(TARGET)
        assert_problem(response, 401, "unauthorized")
        # The browser forgets it.
        assert f"{NAME}=; Path=/; Max-Age=0" in user.get("/session").headers["set-cookie"]


def test_a_huge_cookie_is_rejected_without_an_error(user: Visitor) -> None:
    assert_problem(user.get(TARGET, Cookie=f"{NAME}={'x' * 60_000}"), 431, "header-fields-too-large")


def test_a_second_cookie_of_the_same_name_does_not_hide_the_session(user: Visitor) -> None:
    value = user.client.cookies[NAME]
    user.client.cookies.clear()

    assert user.get(TARGET, Cookie=f"{NAME}=x; {NAME}={value}; other=1").status_code == 200


def test_a_cookie_without_the_prefix_is_ignored(user: Visitor) -> None:
    value = user.client.cookies[NAME]
    user.client.cookies.clear()

    assert_problem(user.get(TARGET, Cookie=f"mathops-session={value}"), 401, "unauthorized")


def test_a_token_of_the_issuer_is_no_session(user: Visitor, issuer: SignInIssuer) -> None:
    user.client.cookies.set(NAME, issuer.forge(), domain="mathops.example", path="/")

    assert_problem(user.get(TARGET), 401, "unauthorized")


def test_a_token_of_a_log_in_is_no_session(user: Visitor, world: World) -> None:
    token = world.tokens.issue("alice", ["math"])
    user.client.cookies.set(NAME, token, domain="mathops.example", path="/")

    assert_problem(user.get(TARGET), 401, "unauthorized")


def test_a_session_ends_with_its_issuer(make: Callable[..., World], issuer: SignInIssuer) -> None:
    second = {**issuer.entry(name="second"), "url": "http://localhost:1"}
    world = make(issuer.entry(), second)
    user = Visitor(world, issuer)
    user.sign_in()
    assert user.get(TARGET).status_code == 200

    change_issuers(world, second)

    assert_problem(user.get(TARGET), 401, "unauthorized")
    assert user.session()["sign_in"] == [{"label": "Test issuer", "path": "/sign-in/second"}]


def test_a_session_ends_with_the_key_that_signed_it(user: Visitor, world: World) -> None:
    path = world.settings.keys_path
    keys.rotate(path)
    world.keys._file._checked_at = 0
    assert user.get(TARGET).status_code == 200
    target = user.respond()

    keys.rotate(path)
    keys.prune(path)
    world.keys._file._checked_at = 0

    assert_problem(user.get(TARGET), 401, "unauthorized")
    assert_problem(user.client.get(target), 400, "sign-in-rejected")


def test_a_cookie_of_another_purpose_is_no_session(visitor: Visitor) -> None:
    visitor.start()
    ((_, sealed),) = visitor.client.cookies.items()

    assert_problem(visitor.get(TARGET, Cookie=f"{NAME}={sealed}"), 401, "unauthorized")


def test_without_an_issuer_for_signing_in_cookies_count_for_nothing(
    make: Callable[..., World], issuer: SignInIssuer
) -> None:
    entry = issuer.entry()
    del entry["sign_in"]
    world = make(entry)
    cookie = f"{NAME}={world.tokens.issue('alice', ['math'])}"

    assert_problem(world.client.get(TARGET, headers={**SAME_ORIGIN, "Cookie": cookie}), 401, "unauthorized")


def test_sign_in_needs_https_or_loopback(make: Callable[..., World], issuer: SignInIssuer) -> None:
    world = make(issuer.entry())
    world.client.base_url = "http://mathops.example"
    assert "needs https" in assert_problem(world.client.get("/sign-in/test"), 400, "sign-in-rejected")["detail"]

    world.client.base_url = "http://localhost:5000"
    response = Visitor(world, issuer).sign_in()
    assert response.headers["location"] == "http://localhost:5000/"
    cookies = response.headers.get_list("set-cookie")
    assert not any("Secure" in cookie for cookie in cookies)
    assert sum(cookie.startswith("mathops-session=") for cookie in cookies) == 1


def test_an_invalid_host_is_rejected(world: World) -> None:
    for host in ["evil.example/x", "a b", "a,b", 'a"', "é", "[::1", "a:b:c", "a\\b", ""]:
        response = world.client.get("/sign-in/test", headers=[(b"Host", host.encode("latin-1"))])
        assert_problem(response, 400, "malformed-request")


@pytest.fixture
def proxied(make: Callable[..., World], issuer: SignInIssuer) -> World:
    world = make(issuer.entry(), trusted_proxies="*")
    world.client.base_url = "http://mathops.example"
    world.client.headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/numbers"}
    return world


def test_behind_a_proxy_the_address_is_that_of_the_visitor(proxied: World, issuer: SignInIssuer) -> None:
    started = proxied.client.get("/sign-in/test")
    target = issuer.respond(started.headers["location"])
    assert target.startswith("https://mathops.example/numbers/callback/test?")
    cookie = started.headers["set-cookie"].partition(";")
    assert "Path=/numbers/callback/test" in cookie[2]

    query = target.partition("?")[2]
    response = proxied.client.get(f"/callback/test?{query}", headers={"Cookie": cookie[0]})

    assert response.headers["location"] == "https://mathops.example/numbers/"
    session = next(c for c in response.headers.get_list("set-cookie") if "session" in c)
    assert session.startswith("__Secure-mathops-session=")
    assert "Path=/numbers/;" in session
    headers = {**SAME_ORIGIN, "Cookie": session.partition(";")[0]}
    assert proxied.client.get(TARGET, headers=headers).status_code == 200


def test_the_token_issuer_is_the_public_address(make: Callable[..., World], issuer: SignInIssuer) -> None:
    world = make(issuer.entry(), token_issuer="https://math.example/app")
    world.client.base_url = "http://10.0.0.1"

    location = world.client.get("/sign-in/test").headers["location"]

    assert issuer.respond(location).startswith("https://math.example/app/callback/test?")
