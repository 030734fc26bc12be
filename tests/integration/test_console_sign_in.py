"""People sign in to the console through an issuer in a real browser."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Watched, violations, watched
from tests.support.oidc_issuer import bearer
from tests.support.server import Server, running
from tests.support.sign_in_issuer import SignInIssuer, issuers_file, send

pytestmark = pytest.mark.timeout(120)

# A page of another origin: pictures, scripts and forms that use the visitor's cookies.
_HOSTILE = """<!doctype html><title>hostile</title>
<img src="{url}/fib?n=1001"><img src="{url}/session">
<script>
for (const path of ["/fib?n=1002", "/fact?n=1003", "/history", "/session"]) {{
  fetch("{url}" + path, {{ credentials: "include", mode: "no-cors" }});
}}
fetch("{url}/sign-out", {{ method: "POST", credentials: "include", mode: "no-cors" }});
</script>
<a href="{url}/fib?n=1004">link</a>
<form method="post" action="{url}/sign-out"><button>form</button></form>"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[SignInIssuer]:
    with SignInIssuer().running() as served:
        yield served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: SignInIssuer) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sign_in")
    with running(folder, MATHOPS_ISSUERS_FILE=issuers_file(folder, issuer.entry())) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Watched]:
    with watched(browser, str(server.client.base_url)) as page:
        yield page


@pytest.fixture
def user(visitor: Watched) -> Watched:
    """Signed in."""
    visitor.page.get_by_role("link", name="Sign in with Test issuer").click()
    expect(visitor.page.get_by_role("banner")).to_contain_text("#alice")
    return visitor


def session_cookie(visitor: Watched) -> str:
    (value,) = [c["value"] for c in visitor.page.context.cookies() if c["name"] == "mathops-session"]
    return value


def test_a_visitor_signs_in_computes_and_signs_out(visitor: Watched, server: Server, issuer: SignInIssuer) -> None:
    page = visitor.page
    expect(page.get_by_label("User", exact=True)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Sign in with Test issuer").click()

    expect(page.get_by_role("banner")).to_contain_text(f"{issuer.url}#alice")
    expect(page.get_by_role("heading", name="Sign in")).to_be_hidden()
    visitor.run("fib", n="77")
    expect(visitor.result).to_contain_text("16 digits")
    expect(visitor.records.first).to_contain_text("n=77")
    assert violations(page) == []
    assert page.evaluate("[sessionStorage.length, document.cookie]") == [0, ""]
    token = session_cookie(visitor)
    assert server.client.get("/history", headers=bearer(token)).status_code == 200

    # An update of the history may be under way.
    visitor.expected = {401}
    with page.expect_request("**/end-session?*"):
        page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("User", exact=True)).to_be_visible()
    assert visitor.count("/end-session") == 1
    assert page.url == f"{server.client.base_url}/"
    assert page.context.cookies() == []
    assert server.client.get("/history", headers=bearer(token)).status_code == 401


def test_all_tabs_share_the_session(user: Watched) -> None:
    user.page.reload()
    expect(user.page.get_by_role("heading", name="Compute")).to_be_visible()
    tab = user.page.context.new_page()
    tab.goto("/docs")
    expect(tab.get_by_role("banner")).to_contain_text("#alice")
    form = tab.get_by_role("form", name="GET /pow", exact=True)
    form.get_by_role("button", name="Send").click()
    expect(form).to_contain_text('"result":"32"')

    tab.get_by_role("button", name="Sign out").click()

    user.expected = {401}
    expect(user.page.get_by_text("The session has ended. Sign in again.")).to_be_visible(timeout=10_000)


def test_a_page_of_another_origin_cannot_use_the_session(user: Watched, server: Server, issuer: SignInIssuer) -> None:
    url = str(server.client.base_url).rstrip("/")

    def hostile(handler: BaseHTTPRequestHandler) -> None:
        send(handler, 200, _HOSTILE.format(url=url).encode(), **{"Content-Type": "text/html"})

    issuer.documents["/hostile"] = hostile
    user.expected = {401}
    token = session_cookie(user)
    before = server.rows("id", f"user = '{issuer.url}#alice'")
    page = user.page.context.new_page()
    page.goto(f"{issuer.url}/hostile", wait_until="networkidle")
    page.get_by_role("link").click()
    expect(page.get_by_text("unauthorized")).to_be_visible()
    page.goto(f"{issuer.url}/hostile", wait_until="networkidle")
    page.get_by_role("button").click()
    expect(page.get_by_text("unauthorized")).to_be_visible()

    assert server.rows("id", f"user = '{issuer.url}#alice'") == before
    rows = server.rows("user", "status = 401 AND operation = 'fib'")
    assert len(rows) >= 5
    assert set(rows) == {(None,)}
    assert server.client.get("/history", headers=bearer(token)).status_code == 200


def test_a_refusal_is_a_page_that_leads_back(visitor: Watched, issuer: SignInIssuer) -> None:
    visitor.expected = {400}
    issuer.claims = {"scope": "other"}
    try:
        visitor.page.get_by_role("link", name="Sign in with Test issuer").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text("no role or group")
        assert violations(visitor.page) == []
        visitor.page.get_by_role("link", name="Back to the console").click()
        expect(visitor.page.get_by_label("User", exact=True)).to_be_visible()
    finally:
        issuer.claims = {}


def test_the_forms_for_names_stay(visitor: Watched) -> None:
    visitor.sign_in("bob")
    visitor.run("fib", n="5")
    expect(visitor.result).to_contain_text("1 digit")
