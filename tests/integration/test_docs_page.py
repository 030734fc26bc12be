"""The documentation page in a real browser."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.server import Server

pytestmark = pytest.mark.timeout(120)


class Watched:
    """A page, its requests and its errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", lambda request: self.errors.append(f"failed: {request.url}"))

    def form(self, path: str) -> Locator:
        return self.page.locator(f'form[data-path="{path}"]')

    def origins(self) -> set[str]:
        return {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, self.requested)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("docs"), {})
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def docs(browser: Browser, server: Server) -> Iterator[Watched]:
    page = browser.new_page(base_url=str(server.client.base_url))
    watched = Watched(page)
    page.goto("/docs")
    yield watched
    page.close()


def test_a_visitor_logs_in_sends_pow_and_sees_32(docs: Watched, server: Server) -> None:
    login = docs.form("/login")
    login.locator("[name=user]").fill("alice")
    login.get_by_role("button").click()
    expect(login.locator("output")).to_contain_text("access_token")

    power = docs.form("/pow")
    power.locator("[name=base]").fill("2")
    power.locator("[name=exp]").fill("5")
    power.get_by_role("button").click()
    expect(power.locator("output")).to_contain_text('"result":"32"')

    history = docs.form("/history")
    history.get_by_role("button").click()
    expect(history.locator("output")).to_contain_text('200\n{"records":[{')

    assert docs.errors == []
    assert docs.origins() == {str(server.client.base_url).rstrip("/")}
    # Select by user, because a test without a login shares the server.
    assert server.rows("operation, result, status", where="user = 'alice'") == [("pow", "32", 200)]


def test_the_password_is_not_shown(docs: Watched) -> None:
    expect(docs.form("/login").locator("[name=password]")).to_have_attribute("type", "password")


def test_without_a_login_the_page_shows_the_error(docs: Watched) -> None:
    power = docs.form("/pow")
    power.get_by_role("button").click()

    expect(power.locator("output")).to_contain_text("401")
    expect(power.locator("output")).to_contain_text("POST /login")


def test_every_path_of_the_openapi_document_is_on_the_page(docs: Watched, server: Server) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    headings = docs.page.locator("h2").all_inner_texts()

    wanted = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method != "head"]
    assert headings == wanted


def test_the_policy_forbids_loading_from_other_hosts(docs: Watched) -> None:
    reached = docs.page.evaluate("fetch('https://example.org/').then(() => true, () => false)")

    assert reached is False
    assert any("Content Security Policy" in complaint for complaint in docs.errors)
