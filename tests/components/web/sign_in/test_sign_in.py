"""A person signs in through an issuer, uses the service and signs out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from mathops.telemetry import metrics
from mathops.telemetry.tracing import Tracing
from tests.components.web.responses import assert_problem
from tests.components.web.sign_in.conftest import ADDRESS, Visitor, change_issuers
from tests.conftest import World
from tests.support.oidc_issuer import DISCOVERY, bearer
from tests.support.sign_in_issuer import CLIENT, SignInIssuer

TARGET = "/fib?n=10"
NOBODY = {"user": None, "name": None, "scope": None, "expires": None}


def outcomes(name: str) -> float:
    return metrics.SIGN_INS.labels(name)._value.get()


def test_the_browser_is_sent_to_the_issuer_with_pkce(visitor: Visitor, issuer: SignInIssuer) -> None:
    response = visitor.start()

    assert response.status_code == 303
    assert response.headers["cache-control"] == "no-store"
    address, query = response.headers["location"].split("?")
    assert address == f"{issuer.url}/authorize"
    sent = {name: values[0] for name, values in parse_qs(query).items()}
    assert (sent["response_type"], sent["code_challenge_method"], sent["scope"]) == ("code", "S256", "openid")
    assert (sent["client_id"], sent["redirect_uri"]) == (CLIENT, f"{ADDRESS}/callback/test")
    assert min(len(sent["state"]), len(sent["nonce"])) >= 20
    assert len(sent["code_challenge"]) == 43
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Secure-mathops-sign-in-")
    assert cookie.endswith("; Path=/callback/test; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
    assert not any(sent[name] in cookie for name in ("state", "nonce"))


def test_a_person_signs_in_computes_and_signs_out(visitor: Visitor, world: World, issuer: SignInIssuer) -> None:
    signed_in = outcomes("ok")

    response = visitor.sign_in()

    assert (response.status_code, response.headers["location"]) == (303, f"{ADDRESS}/")
    cookies = response.headers.get_list("set-cookie")
    attributes = "; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
    assert [c.startswith("__Host-mathops-session=ey") and c.endswith(attributes) for c in cookies].count(True) == 1
    assert outcomes("ok") == signed_in + 1
    user = f"{issuer.url}#alice"
    session = visitor.session()
    assert (session["user"], session["scope"]) == (user, "history math")
    assert visitor.get(TARGET).json()["result"] == "55"
    assert [record.user for record in world.journal.records] == [user]
    assert len(visitor.get("/history").json()["records"]) == 1

    token = visitor.client.cookies["__Host-mathops-session"]
    response = visitor.sign_out()

    assert response.status_code == 200
    end = urlsplit(response.json()["end_session_url"])
    assert f"{end.scheme}://{end.netloc}{end.path}" == f"{issuer.url}/end-session"
    query = parse_qs(end.query)
    assert (query["client_id"], query["post_logout_redirect_uri"]) == ([CLIENT], [f"{ADDRESS}/"])
    assert query["id_token_hint"][0].startswith("ey")
    assert "__Host-mathops-session" not in visitor.client.cookies
    assert_problem(visitor.get(TARGET), 401, "unauthorized")
    assert_problem(world.client.get(TARGET, headers=bearer(token)), 401, "unauthorized")
    assert visitor.session()["user"] is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "al", "name": "Alice"}, "al"),
        ({"preferred_username": "x" * 65, "name": "Alice"}, "Alice"),
        ({"preferred_username": "a\x1b[31m", "name": 5, "email": "a@example.com"}, "a@example.com"),
        ({"name": "\ud800"}, None),
    ],
    ids=str,
)
def test_the_session_has_a_name_for_display(
    visitor: Visitor, issuer: SignInIssuer, claims: dict[str, Any], name: str | None
) -> None:
    issuer.claims = claims
    visitor.sign_in()

    assert (visitor.session()["user"], visitor.session()["name"]) == (f"{issuer.url}#alice", name)


def test_the_history_is_that_of_the_same_users_access_tokens(
    visitor: Visitor, world: World, issuer: SignInIssuer
) -> None:
    world.client.get(TARGET, headers=bearer(issuer.forge()))

    visitor.sign_in()

    assert len(visitor.get("/history").json()["records"]) == 1


def test_the_issuers_are_listed_for_the_console(make: Callable[..., World], issuer: SignInIssuer) -> None:
    world = make(issuer.entry(sign_in={"label": "Company <b>"}))

    response = world.client.get("/session")

    assert response.headers["cache-control"] == "no-store"
    options = [{"label": "Company <b>", "path": "/sign-in/test"}]
    assert response.json() == {**NOBODY, "sign_in": options}


def test_without_issuers_there_is_no_sign_in(world_without_issuers: World) -> None:
    client = world_without_issuers.client
    assert client.get("/session").json()["sign_in"] == []
    assert_problem(client.get("/sign-in/test"), 404, "not-found")
    assert_problem(client.get("/callback/test"), 404, "not-found")


@pytest.fixture
def world_without_issuers(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.mark.parametrize("target", ["/", "/docs"])
def test_the_browser_returns_to_the_page_it_came_from(visitor: Visitor, issuer: SignInIssuer, target: str) -> None:
    started = visitor.start(next=target)

    response = visitor.client.get(issuer.respond(started.headers["location"]))

    assert response.headers["location"] == ADDRESS + target


def test_no_link_leads_to_another_site(visitor: Visitor) -> None:
    for target in [
        "//evil.example",
        "/\\evil.example",
        "\\evil.example",
        "https://evil.example/",
        "https:/evil.example",
        "//docs",
        "/docs\r\nLocation: https://evil.example",
        "/docs/../../evil",
        "/%2f/evil.example",
        "javascript:alert(1)",
        "/\tevil.example",
        "",
    ]:
        assert_problem(visitor.start(next=target), 422, "invalid-parameter")


def test_two_tabs_sign_in_at_the_same_time(visitor: Visitor) -> None:
    first, second = visitor.respond(), visitor.respond()
    # Two of 16 names may be equal.
    while len(visitor.client.cookies) < 2:
        second = visitor.respond()

    assert visitor.client.get(first).headers["location"] == f"{ADDRESS}/"
    assert visitor.client.get(second).headers["location"] == f"{ADDRESS}/"


def test_sign_ins_that_are_never_finished_do_not_fill_the_request_headers(visitor: Visitor) -> None:
    for _ in range(50):
        visitor.start()

    assert visitor.sign_in().status_code == 303


def test_a_confidential_client_sends_its_secret(
    make: Callable[..., World], issuer: SignInIssuer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    issuer.secret = "a+b %c:d/é=&"
    secret.write_text(issuer.secret + "\n", encoding="utf-8")
    issuer.discovery["token_endpoint_auth_methods_supported"] = [
        "client_secret_basic",
        "client_secret_post",
    ]
    visitor = Visitor(make(issuer.entry(sign_in={"client_secret_file": str(secret)})), issuer)

    assert visitor.sign_in().headers["location"] == f"{ADDRESS}/"

    # The issuer has another secret, and then the file has it too.
    issuer.secret = "other"
    assert_problem(visitor.sign_in(), 503, "issuer-unavailable")
    secret.write_text(issuer.secret)
    assert visitor.sign_in().status_code == 303


def test_configured_addresses_need_no_discovery(make: Callable[..., World], issuer: SignInIssuer) -> None:
    urls = {name: issuer.url + path for name, path in (("authorization_url", "/authorize"), ("token_url", "/token"))}
    entry = issuer.entry(sign_in={**urls, "scopes": ["profile"]}, jwks_url=f"{issuer.url}/keys")
    issuer.documents.pop(DISCOVERY)
    visitor = Visitor(make(entry), issuer)

    assert "scope=openid+profile" in visitor.start().headers["location"]
    assert visitor.sign_in().headers["location"] == f"{ADDRESS}/"
    assert visitor.sign_out().json() == {"end_session_url": None}


def test_an_issuer_that_was_removed_offers_no_sign_in(world: World, visitor: Visitor, issuer: SignInIssuer) -> None:
    visitor.sign_in()
    other = {**issuer.entry(), "url": "https://id.example"}
    other.pop("sign_in")

    change_issuers(world, other)

    assert visitor.session() == {**NOBODY, "sign_in": []}
    assert_problem(visitor.get(TARGET), 401, "unauthorized")
    assert_problem(visitor.start(), 404, "not-found")


def test_no_code_is_in_logs_and_traces(
    make: Callable[..., World], issuer: SignInIssuer, tracing: Tracing, spans: InMemorySpanExporter
) -> None:
    visitor = Visitor(make(issuer.entry(), log_format="text", tracing=tracing), issuer)
    with capture_logs() as logs:
        target = visitor.respond()
        visitor.client.get(target)

    events = [entry for entry in logs if "/callback/test" in json.dumps(entry, default=str)]
    assert events
    text = json.dumps(logs, default=str)
    code = parse_qs(urlsplit(target).query)["code"][0]
    assert code not in text
    assert visitor.client.cookies["__Host-mathops-session"] not in text
    traces = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/callback/test" in traces
    assert code not in traces


def test_an_account_without_a_role_is_refused_with_the_reason(visitor: Visitor, issuer: SignInIssuer) -> None:
    issuer.claims = {"scope": "other"}

    problem = assert_problem(visitor.sign_in(), 400, "sign-in-rejected")

    assert "no role or group" in problem["detail"]
    assert visitor.session()["user"] is None
