"""Redirects, ID tokens and token endpoints that no honest issuer would send."""

import gzip
import hmac
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mathops.identity.issuers import discovery
from mathops.telemetry import metrics
from tests.components.web.responses import assert_problem
from tests.components.web.sign_in.conftest import ADDRESS, Visitor
from tests.conftest import World
from tests.support.forgery import ABSENT, FOREIGN, encoded
from tests.support.oidc_issuer import drip
from tests.support.sign_in_issuer import CLIENT, SignInIssuer


def assert_rejected(visitor: Visitor, target: str) -> str:
    """The reason."""
    rejected = metrics.SIGN_INS.labels("rejected")._value.get()
    problem = assert_problem(visitor.client.get(target), 400, "sign-in-rejected")
    assert metrics.SIGN_INS.labels("rejected")._value.get() == rejected + 1
    assert visitor.session()["user"] is None
    return problem["detail"]


def assert_unavailable(visitor: Visitor) -> None:
    unavailable = metrics.SIGN_INS.labels("unavailable")._value.get()
    response = visitor.sign_in()
    assert_problem(response, 503, "issuer-unavailable")
    assert response.headers["retry-after"]
    assert metrics.SIGN_INS.labels("unavailable")._value.get() == unavailable + 1
    assert visitor.session()["user"] is None


def test_a_response_with_another_state_is_rejected(visitor: Visitor, issuer: SignInIssuer) -> None:
    for state in ["other", "", ABSENT, "x" * 5000, "\x00", "é"]:
        assert "did not start" in assert_rejected(visitor, visitor.respond(state=state))
    assert issuer.exchanges == 0


def test_another_browser_cannot_finish_a_sign_in(visitor: Visitor, issuer: SignInIssuer) -> None:
    target = visitor.respond()
    visitor.client.cookies.clear()

    assert "did not start" in assert_rejected(visitor, target)
    assert issuer.exchanges == 0


def test_a_response_is_accepted_once(visitor: Visitor) -> None:
    target = visitor.respond()
    kept = dict(visitor.client.cookies)
    assert visitor.client.get(target).status_code == 303
    visitor.sign_out()

    assert "did not start" in assert_rejected(visitor, target)
    # With the cookie that the browser has deleted.
    visitor.client.cookies.update(kept)
    assert "does not accept the code" in assert_rejected(visitor, target)


def test_a_repeated_parameter_is_rejected(visitor: Visitor, issuer: SignInIssuer) -> None:
    assert_rejected(visitor, visitor.respond() + "&code=other")
    assert issuer.exchanges == 0


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "other path", "huge"])
def test_a_changed_cookie_is_rejected(visitor: Visitor, issuer: SignInIssuer, change: str) -> None:
    target = visitor.respond()
    ((name, value),) = visitor.client.cookies.items()
    head, _, tag = value.rpartition(".")
    changed = {
        "flip": f"{head}.{tag[::-1]}",
        "cut": value[:-30],
        "empty": "",
        "other path": value,
        "huge": value + "A" * 20_000,
    }
    visitor.client.cookies.clear()
    visitor.client.cookies.set(name, changed[change], domain="mathops.example", path="/")
    if change == "other path":
        target = target.replace("/callback/test", "/callback/unknown")
        assert_problem(visitor.client.get(target), 404, "not-found")
    else:
        assert_rejected(visitor, target)
    assert issuer.exchanges == 0


def test_a_second_cookie_of_the_same_name_hides_none(visitor: Visitor) -> None:
    target = visitor.respond()
    ((name, value),) = visitor.client.cookies.items()
    visitor.client.cookies.clear()

    response = visitor.client.get(target, headers={"Cookie": f"{name}=x; {name}={value}; {name}=y"})

    assert response.headers["location"] == f"{ADDRESS}/"


def test_the_code_of_another_issuer_is_rejected(make: Callable[..., World], issuer: SignInIssuer) -> None:
    with SignInIssuer().running() as second:
        visitor = Visitor(make(issuer.entry(), second.entry(name="second")), issuer)
        started = visitor.start()
        target = second.respond(started.headers["location"])

        # The issuer of the response names itself (RFC 9207).
        assert "another issuer" in assert_rejected(visitor, target)
        # The path is that of the other issuer.
        started = visitor.start()
        target = issuer.respond(started.headers["location"]).replace("/callback/test", "/callback/second")
        assert "did not start" in assert_rejected(visitor, target)
        assert (issuer.exchanges, second.exchanges) == (0, 0)


def test_a_response_without_the_promised_issuer_is_rejected(visitor: Visitor, issuer: SignInIssuer) -> None:
    for name in [ABSENT, "", "https://evil.example"]:
        assert "another issuer" in assert_rejected(visitor, visitor.respond(iss=name))
    assert issuer.exchanges == 0


def test_a_refusal_of_the_issuer_is_shown(visitor: Visitor) -> None:
    for error in ["access_denied", "login_required", "<script>alert(1)</script>", "\x1b[31m", "", "x" * 900]:
        target = visitor.respond(error=error, code=ABSENT)

        detail = assert_rejected(visitor, target)

        assert detail.startswith("the issuer refused")
        assert detail.isprintable()
        assert len(detail) < 150


def test_a_code_beside_an_error_is_not_used(visitor: Visitor, issuer: SignInIssuer) -> None:
    assert "refused" in assert_rejected(visitor, visitor.respond(error="access_denied"))
    assert issuer.exchanges == 0


def test_people_get_a_page_without_markup_of_the_issuer(visitor: Visitor) -> None:
    target = visitor.respond(error="<script>alert(1)</script>", code=ABSENT)

    response = visitor.client.get(target, headers={"Accept": "text/html,*/*"})

    assert response.status_code == 400
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "&lt;script&gt;" in response.text
    assert "<script>" not in response.text
    assert 'href="/"' in response.text


def hs256(issuer: SignInIssuer) -> Callable[[dict[str, Any]], str]:
    def made(claims: dict[str, Any]) -> str:
        head = issuer.forge({"alg": "HS256"}, **claims).rpartition(".")[0]
        return f"{head}.{encoded(hmac.digest(issuer.key.as_pem(private=False), head.encode(), 'sha256'))}"

    return made


def unsigned(issuer: SignInIssuer) -> Callable[[dict[str, Any]], str]:
    return lambda claims: issuer.forge({"alg": "none"}, **claims).rpartition(".")[0] + "."


TOKENS: dict[str, Callable[[SignInIssuer], Callable[[dict[str, Any]], Any]]] = {
    "public key as a secret": hs256,
    "unsigned": unsigned,
    "another key": lambda issuer: lambda claims: issuer.forge(signer=FOREIGN, **claims),
    "unknown key": lambda issuer: lambda claims: issuer.forge({"kid": FOREIGN.kid}, FOREIGN, **claims),
    "access token": lambda issuer: lambda claims: issuer.forge({"typ": "at+jwt"}, **claims),
    "logout token": lambda issuer: lambda claims: issuer.forge({"typ": "logout+jwt"}, **claims),
    "critical extension": lambda issuer: lambda claims: issuer.forge({"crit": ["exp"]}, **claims),
    "no token": lambda issuer: lambda claims: "x",
    "parts": lambda issuer: lambda claims: "a.b.c",
}


def test_an_id_token_that_the_issuer_did_not_sign_is_rejected(visitor: Visitor, issuer: SignInIssuer) -> None:
    for name, token in TOKENS.items():
        issuer.token = token(issuer)
        assert "the ID token was rejected" in assert_rejected(visitor, visitor.respond()), name


CLAIMS: dict[str, dict[str, Any]] = {
    "nonce of another request": {"nonce": "other"},
    "nonce absent": {"nonce": ABSENT},
    "nonce null": {"nonce": None},
    "audience of the API": {"aud": "mathops"},
    "audience of another client": {"aud": "other"},
    "audience absent": {"aud": ABSENT},
    "audience an object": {"aud": {CLIENT: 1}},
    "another audience with the client as party": {"aud": "other", "azp": CLIENT},
    "several audiences without a party": {"aud": [CLIENT, "other"]},
    "party of another client": {"azp": "other"},
    "party null": {"azp": None},
    "expired": {"exp": int(time.time()) - 3600},
    "expiry absent": {"exp": ABSENT},
    "expiry a text": {"exp": "4000000000"},
    "issued in the future": {"iat": int(time.time()) + 3600},
    "issued absent": {"iat": ABSENT},
    "not yet valid": {"nbf": int(time.time()) + 3600},
    "issuer of another": {"iss": "https://evil.example"},
    "issuer with a slash": {"iss": "/"},
    "issuer absent": {"iss": ABSENT},
    "subject absent": {"sub": ABSENT},
    "subject a number": {"sub": 5},
    "subject with a line": {"sub": "a\nSet-Cookie: x=y"},
    "subject too long": {"sub": "x" * 300},
    "refresh token": {"typ": "Refresh"},
    "access token of Keycloak": {"typ": "Bearer"},
}


def test_an_id_token_with_wrong_claims_is_rejected(visitor: Visitor, issuer: SignInIssuer) -> None:
    for name, claims in CLAIMS.items():
        issuer.claims = claims
        assert "the ID token was rejected" in assert_rejected(visitor, visitor.respond()), name


def test_usual_id_tokens_are_accepted(visitor: Visitor, issuer: SignInIssuer) -> None:
    usual: list[dict[str, Any]] = [{"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}, {"typ": "ID"}]
    for claims in usual:
        issuer.claims = claims
        assert visitor.sign_in().status_code == 303


def test_a_long_id_token_does_not_prevent_the_session(visitor: Visitor, issuer: SignInIssuer) -> None:
    issuer.claims = {"groups": [f"group-{number}" for number in range(500)]}

    response = visitor.sign_in()

    assert response.status_code == 303
    assert all(len(cookie) < 4096 for cookie in response.headers.get_list("set-cookie"))
    assert "id_token_hint" not in visitor.sign_out().json()["end_session_url"]


def responding(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return respond


ENDPOINTS: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "error of the server": responding(500, b"oops"),
    "redirect": responding(302, b"", Location="http://127.0.0.1:1/elsewhere"),
    "redirect with a body": responding(307, b"{}", Location="/token2"),
    "no JSON": responding(200, b"<html>"),
    "a list": responding(200, b"[]"),
    "a text": responding(200, b'"error"'),
    "null": responding(200, b"null"),
    "no ID token": responding(200, b'{"access_token": "x", "token_type": "Bearer"}'),
    "ID token a number": responding(200, b'{"access_token": "x", "id_token": 5}'),
    "expiry a text": responding(200, b'{"access_token": "x", "expires_in": "soon", "id_token": "x"}'),
    "client refused": responding(401, b'{"error": "invalid_client"}'),
    "error a list": responding(400, b'{"error": ["invalid_grant"]}'),
    "compressed": responding(200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"),
    "oversized": responding(200, json.dumps({"id_token": "x" * 300_000}).encode()),
    "deep": responding(200, b"[" * 100_000),
}


def test_a_broken_token_endpoint_is_reported(visitor: Visitor, issuer: SignInIssuer) -> None:
    for endpoint in ENDPOINTS.values():
        issuer.documents["/token"] = endpoint
        assert_unavailable(visitor)
    assert not [path for path, _ in issuer.requests if path in ("/elsewhere", "/token2")]


def test_a_slow_token_endpoint_ends_at_the_time_limit(
    visitor: Visitor, issuer: SignInIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The redirect before, which fetches metadata, must succeed on a busy machine too.
    monkeypatch.setattr(discovery, "FETCH_SECONDS", 1)

    issuer.documents["/token"] = drip

    began = time.monotonic()
    assert_unavailable(visitor)
    # The response takes five seconds.
    assert time.monotonic() - began < 4


def test_an_issuer_that_is_down_is_reported(make: Callable[..., World], issuer: SignInIssuer) -> None:
    visitor = Visitor(make(issuer.entry()), issuer)
    issuer.stop()

    assert_problem(visitor.start(), 503, "issuer-unavailable")
    assert_problem(
        visitor.client.get("/sign-in/test", headers={"Accept": "application/json"}), 503, "issuer-unavailable"
    )


def test_an_issuer_that_is_down_after_the_redirect_is_reported(visitor: Visitor, issuer: SignInIssuer) -> None:
    target = visitor.respond()
    issuer.stop()

    assert_problem(visitor.client.get(target), 503, "issuer-unavailable")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("token_endpoint", "https://evil.example/token"),
        ("token_endpoint", None),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", 5),
        ("end_session_endpoint", "file:///etc/passwd"),
        ("issuer", "https://evil.example"),
    ],
)
def test_discovery_leads_to_no_other_server(visitor: Visitor, issuer: SignInIssuer, member: str, value: Any) -> None:
    issuer.discovery[member] = value

    assert_problem(visitor.start(), 503, "issuer-unavailable")


def test_invented_codes_are_limited(make: Callable[..., World], issuer: SignInIssuer) -> None:
    visitor = Visitor(make(issuer.entry(), limits={"login": 3}), issuer)

    for _ in range(3):
        assert_rejected(visitor, visitor.respond(code="invented"))
    assert_problem(visitor.sign_in(), 429, "quota-exceeded")
    assert issuer.exchanges == 3


def test_successful_sign_ins_are_not_limited(make: Callable[..., World], issuer: SignInIssuer) -> None:
    visitor = Visitor(make(issuer.entry(), limits={"login": 2}), issuer)

    assert [visitor.sign_in().status_code for _ in range(5)] == [303] * 5


def test_the_challenge_is_bound_to_the_code(visitor: Visitor, issuer: SignInIssuer) -> None:
    """A code injected into another sign-in fails, because its verifier is another one (RFC 9700, 4.5)."""
    stolen = parse_qs(urlsplit(visitor.respond()).query)["code"][0]

    assert "does not accept the code" in assert_rejected(visitor, visitor.respond(code=stolen))
