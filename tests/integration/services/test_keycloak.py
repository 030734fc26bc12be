"""Tokens of a real Keycloak."""

import hmac
import json
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser, expect

from tests.integration.services.keycloak import PASSWORD, Keycloak
from tests.support.browser import watched
from tests.support.forgery import FOREIGN, HOSTILE, encoded
from tests.support.oidc_issuer import bearer, forge
from tests.support.server import Server, eventually
from tests.support.sign_in_issuer import issuers_file

pytestmark = pytest.mark.timeout(240)
TARGET = "/pow?base=2&exp=5"


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Keycloak]:
    started = Keycloak()
    yield started
    started.remove()


@pytest.fixture
def server(start_server: Callable[..., Server], keycloak: Keycloak, tmp_path: Path) -> Server:
    server = start_server(
        MATHOPS_ISSUERS_FILE=issuers_file(tmp_path, keycloak.entry()),
        MATHOPS_TOKEN_LEEWAY_SECONDS="0",
        MATHOPS_QUOTA_UNAUTHENTICATED="",
    )
    eventually(lambda: checks(server)["issuers"] == "ok", 10)
    return server


def checks(server: Server) -> dict[str, Any]:
    return server.client.get("/readyz").json()["checks"]


def status(server: Server, token: str) -> int:
    return server.client.get(TARGET, headers=bearer(token)).status_code


def test_a_service_account_computes_and_reads_its_history(server: Server, keycloak: Keycloak) -> None:
    headers = bearer(keycloak.token())

    assert server.client.get(TARGET, headers=headers).json()["result"] == "32"
    (record,) = server.client.get("/history", headers=headers).json()["records"]
    assert record["user"].startswith(f"{keycloak.issuer}#")
    assert server.rows("user") == [(record["user"],)]
    assert server.client.post("/logout", headers=headers).status_code == 204
    assert server.client.get(TARGET, headers=headers).status_code == 401
    assert status(server, keycloak.token()) == 200


def test_a_person_signs_in_to_the_console_and_out(
    server: Server, keycloak: Keycloak, tmp_path: Path, browser: Browser
) -> None:
    url = str(server.client.base_url).rstrip("/")
    issuers_file(tmp_path, keycloak.entry(sign_in=keycloak.sign_in_at(url)))
    eventually(lambda: server.client.get("/session").json()["sign_in"])
    with watched(browser, url) as visitor:
        page = visitor.page
        page.get_by_role("link", name="Sign in with Keycloak").click()
        page.get_by_label("Username or email").fill("alice")
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign In").click()
        expect(page.get_by_role("banner")).to_contain_text("alice")
        visitor.run("fib", n="77")
        expect(visitor.result).to_contain_text("16 digits")
        expect(visitor.records.first).to_contain_text("n=77")
        (token,) = [c["value"] for c in page.context.cookies() if c["name"] == "mathops-session"]
        assert status(server, token) == 200

        # An update of the history may be under way.
        visitor.expected = {401}
        with page.expect_request("**/openid-connect/logout?*"):
            page.get_by_role("button", name="Sign out").click()

        expect(page.get_by_role("link", name="Sign in with Keycloak")).to_be_visible()
        assert status(server, token) == 401
        # Keycloak has ended its session too, and asks again.
        page.get_by_role("link", name="Sign in with Keycloak").click()
        expect(page.get_by_label("Username or email")).to_be_visible()


def longer(statuses: list[int], length: int) -> bool:
    return len(statuses) > length


def test_key_rotation_fails_no_request(server: Server, keycloak: Keycloak) -> None:
    statuses: list[int] = []
    stopped = threading.Event()
    unknown = forge(keycloak.issuer, FOREIGN)({"alg": "RS256"})

    def call() -> None:
        while not stopped.is_set():
            statuses.append(status(server, keycloak.token()))

    caller = threading.Thread(target=call)
    caller.start()
    try:
        for _ in range(2):
            statuses_before = len(statuses)
            eventually(partial(longer, statuses, statuses_before + 3), 30)
            older = keycloak.token()
            keycloak.rotate_keys()
            assert status(server, keycloak.token()) == 200
            # The fetch may have seen both keys; an unknown key causes another one.
            assert status(server, unknown) == 401
            assert status(server, older) == 401
    finally:
        stopped.set()
        caller.join()

    # A token that was issued before the older key was removed may arrive after that.
    assert statuses.count(200) == len(statuses)


def test_without_keycloak_tokens_of_known_keys_are_accepted(server: Server, keycloak: Keycloak) -> None:
    tokens = [keycloak.token() for _ in range(3)]
    assert status(server, tokens[0]) == 200
    unknown = forge(keycloak.issuer, FOREIGN)({"alg": "RS256"})

    keycloak.container.stop()
    try:
        assert [status(server, token) for token in tokens] == [200] * 3
        response = server.client.get(TARGET, headers=bearer(unknown))
        assert (response.status_code, response.json()["type"]) == (503, "/problems/issuer-unavailable")
        answer = server.client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["checks"]["issuers"] == "unavailable"
        assert server.metric(f'mathops_issuer_unavailable{{issuer="{keycloak.issuer}"}}') == 1
        assert [status(server, token) for token in tokens] == [200] * 3
    finally:
        keycloak.container.start()
        keycloak.wait()
    # The pause between attempts has grown meanwhile; a token with an unknown key ends it.
    assert status(server, unknown) == 401
    assert checks(server)["issuers"] == "ok"


def test_a_disabled_client_is_refused_after_its_token_ends(server: Server, keycloak: Keycloak) -> None:
    keycloak.change_client(attributes={"access.token.lifespan": "4"})
    token = keycloak.token()
    assert status(server, token) == 200

    keycloak.change_client(enabled=False)
    try:
        assert keycloak.request_token().status_code == 401
        eventually(lambda: status(server, token) == 401, 10)
    finally:
        keycloak.change_client(enabled=True, attributes={"access.token.lifespan": "300"})


def changed(token: str, public_key: RSAKey) -> list[str]:
    """Tokens made of a valid one."""
    header, claims, signature = token.split(".")
    members = json.loads(urlsafe_b64decode(header + "=="))
    promoted = json.loads(urlsafe_b64decode(claims + "=="))
    promoted["sub"] = "other"
    symmetric = f"{encoded({**members, 'alg': 'HS256'})}.{claims}"
    secrets = [public_key.as_pem(private=False), json.dumps(public_key.as_dict(private=False)).encode()]
    return [
        f"{encoded({**members, 'alg': 'none'})}.{claims}.",
        f"{encoded({**members, 'alg': 'none'})}.{claims}.{signature}",
        f"{encoded({**members, 'alg': 'PS256'})}.{claims}.{signature}",
        f"{header}.{encoded(promoted)}.{signature}",
        f"{header}.{claims}.",
        f"{header}.{claims}.{signature[:-8]}",
        *(f"{symmetric}.{encoded(hmac.digest(secret, symmetric.encode(), 'sha256'))}" for secret in secrets),
    ]


def test_hostile_tokens_reach_neither_a_result_nor_a_log(server: Server, keycloak: Keycloak) -> None:
    tokens = [hostile(forge(keycloak.issuer, FOREIGN)) for hostile in HOSTILE.values()]
    tokens += changed(keycloak.token(), keycloak.public_key())

    # Those with invented keys wait for a fetch, so that all are sent at once.
    statuses: list[int] = []
    senders = [threading.Thread(target=lambda token=token: statuses.append(status(server, token))) for token in tokens]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert set(statuses) == {401}
    assert len(statuses) == len(tokens) > 60
    logs = server.log.read_text() + (server.folder / "data" / "requests.log").read_text()
    assert not [part for token in tokens for part in token.split(".") if len(part) > 16 and part in logs]
