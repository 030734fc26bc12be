"""The console in a real browser: sign in, compute, read results."""

import re
from collections.abc import Iterator
from pathlib import Path

import gmpy2
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, expect

from mathops.operations import OPERATIONS, Operation
from tests.support.browser import Watched, watched
from tests.support.recipe import extended_server
from tests.support.server import Server, running

pytestmark = pytest.mark.timeout(120)

FACTORIAL = str(gmpy2.fac(100_000))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("console")) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Watched]:
    with watched(browser, str(server.client.base_url), permissions=["clipboard-read", "clipboard-write"]) as page:
        yield page


@pytest.fixture
def console(visitor: Watched, request: pytest.FixtureRequest) -> Watched:
    """The console of a user with the name of the test."""
    visitor.sign_in(request.node.originalname[:60])
    return visitor


def test_a_visitor_signs_in_and_out(visitor: Watched, server: Server) -> None:
    page = visitor.page
    expect(page.get_by_label("Password")).to_be_hidden()
    expect(page.get_by_text("A demo")).to_be_visible()
    visitor.sign_in("alice")
    expect(page.get_by_label("User", exact=True)).to_be_hidden()
    token = page.evaluate("JSON.parse(sessionStorage.getItem('mathops:/')).token")
    headers = {"Authorization": f"Bearer {token}"}
    assert server.client.get("/history", headers=headers).status_code == 200

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_label("User", exact=True)).to_be_focused()
    expect(page.get_by_role("heading", name="Compute")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0
    assert server.client.get("/history", headers=headers).status_code == 401


def test_a_session_lasts_as_long_as_the_tab(console: Watched, browser: Browser, server: Server) -> None:
    console.page.reload()
    expect(console.page.get_by_role("button", name="Sign out")).to_be_visible()
    console.page.get_by_role("link", name="API", exact=True).click()
    expect(console.page.get_by_role("button", name="Sign out")).to_be_visible()

    with watched(browser, str(server.client.base_url)) as other:
        expect(other.page.get_by_label("User", exact=True)).to_be_visible()


def test_the_back_button_does_not_show_a_session_that_has_ended(console: Watched) -> None:
    console.page.evaluate("sessionStorage.clear()")
    expect(console.page.get_by_role("heading", name="History")).to_be_visible()

    # Playwright turns the cache of the Back button off.
    console.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")

    expect(console.page.get_by_role("heading", name="History")).to_be_hidden()
    expect(console.page.get_by_label("User", exact=True)).to_be_focused()


def test_a_browser_without_storage_keeps_the_session_in_memory(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as visitor:
        blocked = "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied'); } })"
        visitor.page.add_init_script(blocked)
        visitor.page.reload()
        visitor.sign_in("blocked")
        visitor.run("fib", n="10")
        expect(visitor.result).to_contain_text("2 digits")


def test_a_users_file_requires_a_password(browser: Browser, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"bob:{PasswordHasher(1, 8, 1).hash('correct')}:math history\n")
    with (
        running(tmp_path, MATHOPS_USERS_FILE=str(users)) as server,
        watched(browser, str(server.client.base_url)) as visitor,
    ):
        visitor.expected = {401}
        page = visitor.page
        page.get_by_label("User", exact=True).fill("bob")
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(has_text="wrong user or password")).to_be_visible()
        expect(page.get_by_role("link", name="About unauthorized")).to_be_visible()
        page.get_by_label("Password").fill("correct")
        visitor.sign_in("bob")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_each_operation_has_a_form_with_a_prediction(console: Watched, operation: Operation) -> None:
    name = operation.name
    form = console.form(name)

    expect(form).to_contain_text(re.compile(r"At most \d+ digits?, less than 1 ms\."))
    assert console.count(f"/{name}/plan") == 1
    assert console.count(f"/{name}") == 0


def test_a_prediction_follows_the_input_and_warns_before_the_request(console: Watched) -> None:
    form = console.form("fact")
    console.expected = {422}

    form.get_by_label("n", exact=True).fill("100000")
    expect(form).to_contain_text("At most 456,575 digits, 56.1 ms.")
    form.get_by_label("n", exact=True).fill("100000000")
    expect(form).to_contain_text("Too large: about 756,570,5")
    expect(form).to_contain_text("the limit is 6,000,000")
    form.get_by_label("n", exact=True).fill("-1")
    expect(form).to_contain_text("send an integer of at least 0")
    expect(form.get_by_label("n", exact=True)).to_have_attribute("aria-invalid", "true")
    form.get_by_label("n", exact=True).fill("5")
    expect(form).to_contain_text("At most 3 digits")
    expect(form.get_by_label("n", exact=True)).to_have_attribute("aria-invalid", "false")
    assert console.count("/fact") == 0


def test_a_new_operation_has_a_form_too(browser: Browser, tmp_path: Path) -> None:
    with extended_server(tmp_path) as server, watched(browser, str(server.client.base_url)) as visitor:
        visitor.sign_in("alice")
        visitor.run("primes", n="100")
        expect(visitor.result.locator(".digits")).to_have_text("25")
        visitor.form("primes").get_by_label("n", exact=True).fill("1000000000")
        expect(visitor.form("primes")).to_contain_text("At most 10 digits, 500 s, beyond the deadline of 1 s.")
        visitor.page.get_by_label("Operation").select_option("primes")
        expect(visitor.records).to_have_count(1)


def test_a_result_is_shown_and_only_the_request_is_recorded(console: Watched, server: Server) -> None:
    console.run("pow", base="-3", exp="41")

    expect(console.result).to_contain_text("\u221236 472 996 377 170 786 403")
    expect(console.result).to_contain_text("20 digits in")
    expect(console.page.locator("#announcement")).to_contain_text("pow(base=-3, exp=41): 20 digits in")
    user = "test_a_result_is_shown_and_only_the_request_is_recorded"
    assert server.rows("result, status", where=f"user = '{user}'") == [("-36472996377170786403", 200)]
    assert console.origins() == {str(server.client.base_url).rstrip("/")}


def test_a_long_result_is_folded_copied_and_downloaded(console: Watched) -> None:
    console.run("fact", n="100000")

    expect(console.result).to_contain_text("456,574 digits in")
    digits = console.result.locator(".digits")
    expect(digits).to_contain_text("455,853 digits not shown")
    assert digits.inner_text().startswith("2 824 229 407 960 347")
    assert digits.inner_text().endswith("000 000 000")
    assert len(console.result.inner_text()) < 3000
    console.result.get_by_role("button", name="Copy").click()
    expect(console.result).to_contain_text("Copied.")
    assert console.page.evaluate("navigator.clipboard.readText()") == FACTORIAL
    with console.page.expect_download() as started:
        console.result.get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "fact-n-100000.txt"
    assert started.value.path().read_text() == FACTORIAL + "\n"

    console.result.get_by_role("button", name="Show 30,000 digits").click()
    shown = digits.inner_text().partition("…")[0].replace(" ", "").strip()
    assert len(shown) < 30_010
    assert FACTORIAL.startswith(shown)
    box = digits.bounding_box()
    assert box is not None
    assert box["height"] < 400
    console.result.get_by_role("button", name="Collapse").click()
    assert len(digits.inner_text()) < 2000


def test_groups_of_digits_end_with_the_number(console: Watched) -> None:
    console.run("pow", base="10", exp="1000")

    digits = console.result.locator(".digits")
    expect(digits).to_contain_text("digits not shown")
    groups = digits.inner_text().split("…")[0].split()
    assert groups[0] == "10"
    assert {len(group) for group in groups[1:]} == {3}
    console.run("fib", n="10")
    expect(console.result.locator(".digits")).to_have_text("55")


def test_copying_works_without_a_secure_context(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as visitor:
        visitor.page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined })")
        visitor.page.reload()
        visitor.sign_in("insecure")
        visitor.run("pow", base="2", exp="100")
        visitor.result.get_by_role("button", name="Copy").click()
        expect(visitor.result).to_contain_text("Copied.")
        field = visitor.form("fib").get_by_label("n", exact=True)
        field.fill("")
        field.press("Control+v")
        expect(field).to_have_value(str(2**100))


def test_the_headers_are_explained_and_the_copy_of_the_page_is_validated(console: Watched, server: Server) -> None:
    console.run("fib", n="4321")
    first = console.result
    first.get_by_text("Response headers explained").click()
    expect(first).to_contain_text("200 OK")
    expect(first).to_contain_text("its cache did not have it")
    expect(first).to_contain_text("ms computing")
    expect(first).to_contain_text("If-None-Match")
    identity = first.locator("dt:text-is('X-Request-ID') + dd code").inner_text()
    [(recorded,)] = server.rows("request_id", where="parameters LIKE '%4321%'")
    assert identity == recorded

    console.run("fib", n="4321")
    expect(console.page.locator("#result-list article")).to_have_count(2)
    console.result.get_by_text("Response headers explained").click()
    expect(console.result).to_contain_text("304 Not Modified")
    expect(console.result).to_contain_text("computed nothing and sent no digits")
    expect(console.result).to_contain_text("903 digits in")


def test_a_problem_has_title_detail_and_a_page(console: Watched) -> None:
    console.expected = {422}
    form = console.run("pow", base="2", exp="x")

    alert = form.get_by_role("alert")
    expect(alert).to_contain_text("Invalid parameter")
    expect(alert).to_contain_text("exp: send an integer in decimal digits")
    alert.get_by_role("link", name="About invalid-parameter").click()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Invalid parameter")
    expect(console.page.get_by_role("heading", name="Fix")).to_be_visible()
    console.page.get_by_role("link", name="Console").click()
    expect(console.page.get_by_role("heading", name="Compute")).to_be_visible()


def test_an_error_page_of_a_proxy_is_a_problem_too(console: Watched) -> None:
    console.expected = {502}
    html = "<html><h1>502 Bad Gateway</h1></html>"
    console.page.route("**/fib?*", lambda route: route.fulfill(status=502, content_type="text/html", body=html))

    alert = console.run("fib", n="7").get_by_role("alert")

    expect(alert).to_contain_text("HTTP status 502")
    expect(alert).to_contain_text("perhaps from a proxy")


def test_an_unreachable_service_is_reported(console: Watched) -> None:
    console.page.route("**/fib?*", lambda route: route.abort("connectionrefused"))

    alert = console.run("fib", n="7").get_by_role("alert")

    expect(alert).to_contain_text("The service cannot be reached")
    # The browser itself reports the failure.
    assert [error for error in console.errors if "ERR_CONNECTION_REFUSED" not in error] == []
    console.errors.clear()


def test_a_computation_can_be_cancelled(console: Watched) -> None:
    console.page.route("**/fib?*", lambda route: None)
    form = console.run("fib", n="7")
    expect(form).to_contain_text("Running… 0 s")
    form.get_by_label("n", exact=True).press("Enter")
    assert console.count("/fib") == 1

    form.get_by_role("button", name="Cancel").click()

    expect(form).to_contain_text("Cancelled.")
    expect(form.get_by_role("button", name="Run")).to_be_focused()
    expect(form.get_by_role("button", name="Cancel")).to_be_hidden()


def test_pasted_numbers_may_have_separators_and_a_minus_sign(console: Watched) -> None:
    console.run("pow", base="\u22121 000_000", exp=" 3 ")

    expect(console.result.locator(".digits")).to_have_text("\u22121 000 000 000 000 000 000")


def test_numbers_that_are_too_long_for_a_query_are_posted(console: Watched) -> None:
    console.run("pow", base="7" * 4200, exp="1")

    expect(console.result).to_contain_text("4,200 digits in")
    assert "/pow" in [url.rpartition(":")[2].lstrip("0123456789") for url in console.requested]


def test_a_revoked_session_ends_once(console: Watched, server: Server) -> None:
    console.expected = {401}
    token = console.page.evaluate("JSON.parse(sessionStorage.getItem('mathops:/')).token")
    assert server.client.post("/logout", headers={"Authorization": f"Bearer {token}"}).status_code == 204

    expect(console.page.get_by_text("The session has ended. Sign in again.")).to_be_visible(timeout=10_000)
    expect(console.page.get_by_label("User", exact=True)).to_be_focused()
    before = len([url for url in console.requested if "/history" in url])
    console.page.wait_for_timeout(4500)
    assert len([url for url in console.requested if "/history" in url]) == before


def test_an_expired_session_ends(browser: Browser, tmp_path: Path) -> None:
    with (
        running(tmp_path, MATHOPS_TOKEN_LIFETIME_SECONDS="4") as server,
        watched(browser, str(server.client.base_url)) as visitor,
    ):
        visitor.sign_in("shortlived")
        expect(visitor.page.get_by_text("The session has expired. Sign in again.")).to_be_visible(timeout=8000)
