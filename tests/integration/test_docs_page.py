"""The API page in a real browser, and its commands and programs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Locator, expect

from tests.support.browser import Watched, watched
from tests.support.server import Server, running

pytestmark = pytest.mark.timeout(120)

CLIENT = "robot:secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("docs")
    clients, (name, secret) = folder / "clients", CLIENT.split(":")
    clients.write_text(f"{name}:{PasswordHasher(1, 8, 1).hash(secret)}:math introspect\n")
    issuer = {"MATHOPS_TOKEN_ISSUER": "https://math.example.com"}
    with running(folder, MATHOPS_CLIENTS_FILE=str(clients), **issuer) as server:
        yield server


@pytest.fixture
def docs(browser: Browser, server: Server) -> Iterator[Watched]:
    with watched(browser, f"{server.client.base_url}/docs") as page:
        yield page


def form(docs: Watched, request: str) -> Locator:
    return docs.page.get_by_role("form", name=request, exact=True)


def send(docs: Watched, request: str, **values: str) -> Locator:
    """Send a form; returns it."""
    found = form(docs, request)
    for name, value in values.items():
        found.locator(f"[name={name}]").fill(value)
    found.get_by_role("button", name="Send").click()
    return found.locator(".output")


def test_a_visitor_logs_in_and_tries_every_kind_of_request(docs: Watched, server: Server) -> None:
    expect(send(docs, "POST /login")).to_contain_text("access_token")
    expect(docs.page.get_by_role("banner")).to_contain_text("alice")
    expect(send(docs, "GET /pow", base="2", exp="5")).to_contain_text('"result":"32"')
    expect(send(docs, "POST /pow", base="3", exp="4")).to_contain_text('"result":"81"')
    expect(send(docs, "GET /fact/plan", n="20")).to_contain_text('"predicted_digits":19')
    expect(send(docs, "GET /history")).to_contain_text('{"records":[{')
    expect(send(docs, "GET /readyz")).to_contain_text('"status":"ready"')
    client, secret = CLIENT.split(":")
    expect(send(docs, "POST /token", client_id=client, client_secret=secret)).to_contain_text("access_token")
    expect(send(docs, "POST /logout")).to_contain_text("204")
    expect(docs.page.get_by_role("banner")).not_to_contain_text("alice")

    assert docs.origins() == {str(server.client.base_url).rstrip("/")}
    # Select by user, because a test without a login shares the server.
    assert server.rows("operation, result, status", where="user = 'alice'") == [("pow", "32", 200), ("pow", "81", 200)]


def test_the_forms_of_oauth_clients_do_not_end_the_session(docs: Watched) -> None:
    docs.expected = {401}
    send(docs, "POST /login", user="bob")
    expect(docs.page.get_by_role("banner")).to_contain_text("bob")

    expect(send(docs, "POST /token", client_id="robot", client_secret="wrong")).to_contain_text("401")
    expect(send(docs, "GET /pow")).to_contain_text('"result":"32"')


def test_a_long_result_is_cut(docs: Watched) -> None:
    send(docs, "POST /login", user="carol")
    expect(docs.page.get_by_role("banner")).to_contain_text("carol")

    output = send(docs, "GET /fact", n="100000")

    expect(output).to_contain_text("characters not shown", timeout=15_000)
    assert len(output.inner_text()) < 3000
    with docs.page.expect_download() as started:
        output.get_by_role("button", name="Download").click()
    assert started.value.path().stat().st_size > 456_574


def test_without_a_login_the_page_shows_the_problem(docs: Watched) -> None:
    docs.expected = {401}
    output = send(docs, "GET /pow")

    expect(output).to_contain_text("401")
    expect(output).to_contain_text("POST /login")
    output.get_by_role("link", name="About unauthorized").click()
    expect(docs.page.get_by_role("heading", level=1)).to_have_text("Valid bearer token required")


def test_the_password_is_not_shown(docs: Watched) -> None:
    expect(form(docs, "POST /login").locator("[name=password]")).to_have_attribute("type", "password")
    expect(form(docs, "POST /token").locator("[name=client_secret]")).to_have_attribute("type", "password")


def test_requests_are_grouped_and_aliases_folded(docs: Watched) -> None:
    headings = docs.page.get_by_role("heading", level=2).all_inner_texts()
    operations = docs.page.get_by_role("region", name="Operations").get_by_role("heading", level=3).all_inner_texts()

    assert headings == ["Authorization", "Operations", "History", "Service", "OAuth clients", "Problem types"]
    assert operations == [
        *(f"{method} /{name}" for name in ("pow", "fib", "fact") for method in ("GET", "POST")),
        *(f"GET /{name}/plan" for name in ("pow", "fib", "fact")),
    ]
    expect(docs.page.locator("#get_pow-request")).to_contain_text("Also at /power.")


def test_the_address_of_the_service_is_in_the_commands(docs: Watched, server: Server) -> None:
    address = str(server.client.base_url).rstrip("/")

    expect(docs.page.get_by_text(f"export MATHOPS_URL={address}\n")).to_be_visible()


def test_the_policy_forbids_loading_from_other_hosts(docs: Watched) -> None:
    reached = docs.page.evaluate("fetch('https://example.org/').then(() => true, () => false)")

    assert reached is False
    assert any("Content Security Policy" in complaint for complaint in docs.errors)
    docs.errors.clear()


def test_the_policy_forbids_turning_text_into_markup(docs: Watched) -> None:
    script = "() => { try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; } }"

    assert docs.page.evaluate(script) is True
    assert any("TrustedHTML" in complaint for complaint in docs.errors)
    docs.errors.clear()


def examples(server: Server) -> dict[str, list[str]]:
    """The commands and the programs on the page, by kind."""
    page = server.client.get("/docs").text
    found: dict[str, list[str]] = {}
    for kind, text in re.findall(r"<summary>(curl|Python)</summary><pre[^>]*><code>(.*?)</code>", page, re.DOTALL):
        found.setdefault(kind, []).append(unescape(text))
    return found


def variables(server: Server) -> dict[str, str]:
    token = server.login("examples")["Authorization"].removeprefix("Bearer ")
    return {**os.environ, "MATHOPS_URL": str(server.client.base_url).rstrip("/"), "TOKEN": token, "CLIENT": CLIENT}


def test_every_command_and_every_program_succeeds(server: Server, tmp_path: Path) -> None:
    environment = variables(server)
    found = examples(server)

    assert len(found["curl"]) == len(found["Python"]) > 20
    # The last one of each kind revokes the token of all.
    revoking = ("/logout", "/revoke")
    for text in sorted(found["curl"], key=lambda text: any(path in text for path in revoking)):
        ran = subprocess.run(
            ["sh", "-euc", text.replace("curl ", "curl --silent --show-error --fail ")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        # A token of a user is not the client's to revoke.
        assert ran.returncode == 0 or "/revoke" in text, (text, ran.stderr)
    environment = variables(server)
    programs = [text for text in found["Python"] if "/revoke" not in text]
    # One process for all: each start takes time.
    script = tmp_path / "all.py"
    script.write_text("\n".join(sorted(programs, key=lambda text: "/logout" in text)))
    ran = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert '"result":"32"' in ran.stdout
    assert '"active":true' in ran.stdout
