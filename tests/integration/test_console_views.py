"""The history and the live view of the console in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from mathops.cli.top.scrape import Interval, Scrape
from mathops.telemetry import metrics
from tests.support.browser import Watched, watched
from tests.support.server import Server, running

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("console")) as server:
        yield server


def user_of(request: pytest.FixtureRequest) -> str:
    return request.node.originalname[:60]


@pytest.fixture
def caller(server: Server, request: pytest.FixtureRequest) -> dict[str, str]:
    """The header of another client of the same user."""
    return server.login(user_of(request))


@pytest.fixture
def console(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Watched]:
    with watched(browser, str(server.client.base_url)) as page:
        page.sign_in(user_of(request))
        expect(page.page.locator("#history-status")).to_contain_text("on this page")
        yield page


def test_requests_of_any_client_appear_once_without_a_reload(
    console: Watched, server: Server, caller: dict[str, str]
) -> None:
    server.client.get("/power?base=2&exp=5", headers=caller)
    expect(console.records).to_have_count(1)
    expect(console.records.first).to_contain_text("/power base=2 exp=5")
    for n in range(3):
        console.run("fib", n=str(n))
        expect(console.records.first).to_contain_text(f"/fib n={n}")

    console.page.wait_for_timeout(2500)
    expect(console.records).to_have_count(4)
    expect(console.page.locator("#history-status")).to_have_text("1 new request.")


def test_many_new_requests_do_not_delay_the_newest(console: Watched, server: Server, caller: dict[str, str]) -> None:
    for n in range(70):
        server.client.get(f"/fib?n={n}", headers=caller)

    expect(console.records.first).to_contain_text("n=69", timeout=3500)


def test_new_requests_do_not_take_the_focus(console: Watched, server: Server, caller: dict[str, str]) -> None:
    server.client.get("/fib?n=x", headers=caller)
    link = console.records.get_by_role("link", name="invalid-parameter")
    link.focus()
    server.client.get("/fib?n=1", headers=caller)
    expect(console.records).to_have_count(2)
    expect(link).to_be_focused()
    for n in range(30):
        server.client.get(f"/fib?n={n}", headers=caller)

    expect(console.page.get_by_text("There are new requests.")).to_be_visible()
    expect(link).to_be_focused()
    console.page.get_by_role("button", name="Newest").click()
    expect(console.records.first).to_contain_text("n=29")


def test_updates_leave_most_of_a_quota_to_the_user(browser: Browser, tmp_path: Path) -> None:
    with (
        running(tmp_path, MATHOPS_QUOTA_REQUESTS="12/minute") as server,
        watched(browser, str(server.client.base_url)) as console,
    ):
        console.expected = {429}
        console.sign_in("alice")
        expect(console.form("fact")).to_contain_text("At most")
        console.page.wait_for_timeout(8000)
        assert console.count("/history") <= 2
        for n in range(12):
            console.run("fib", n=str(n))
            console.page.wait_for_timeout(100)
        alert = console.form("fib").get_by_role("alert")
        expect(alert).to_contain_text("Quota exceeded")
        expect(alert).to_contain_text("12 requests in 60 s")


def test_the_history_recovers_after_an_outage(console: Watched, server: Server, caller: dict[str, str]) -> None:
    console.expected = {502}
    for path in ("/fib?n=1", "/fact?n=2"):
        server.client.get(path, headers=caller)
    expect(console.records).to_have_count(2)
    console.page.route("**/history?*", lambda route: route.fulfill(status=502, body="bad gateway"))
    console.page.get_by_label("Operation").select_option("fact")
    alert = console.page.locator("#history-error")
    expect(alert).to_contain_text("HTTP status 502")

    console.page.unroute("**/history?*")

    expect(console.records).to_have_count(1)
    expect(console.records).to_contain_text("/fact")
    expect(alert).to_be_empty()


def test_live_update_can_be_turned_off(console: Watched, server: Server, caller: dict[str, str]) -> None:
    console.page.get_by_label("Live").uncheck()
    server.client.get("/fib?n=1", headers=caller)
    console.page.wait_for_timeout(2500)
    expect(console.records).to_have_count(0)

    console.page.get_by_label("Live").check()

    expect(console.records).to_have_count(1)


def test_the_history_has_filters(console: Watched, server: Server, caller: dict[str, str]) -> None:
    console.expected = {422}
    for path in ("/fib?n=1", "/fib?n=x", "/fact?n=3"):
        server.client.get(path, headers=caller)
    expect(console.records).to_have_count(3)

    console.page.get_by_label("Operation").select_option("fib")
    expect(console.records).to_have_count(2)
    console.page.get_by_label("Outcome").select_option("error")
    expect(console.records).to_have_count(1)
    expect(console.records.get_by_role("link", name="invalid-parameter")).to_be_visible()
    console.page.get_by_label("Outcome").select_option("result-too-large")
    expect(console.records).to_have_count(0)
    console.page.get_by_label("Outcome").select_option("invalid-parameter")
    expect(console.records).to_have_count(1)
    # A filter holds for the live update too.
    server.client.get("/fact?n=x", headers=caller)
    server.client.get("/fib?n=y", headers=caller)
    expect(console.records).to_have_count(2)
    console.page.get_by_label("Since").fill("2100-01-01T00:00")
    expect(console.page.get_by_text("No requests on this page.")).to_be_visible()
    console.page.get_by_label("Since").fill("2020-01-01T00:00")
    expect(console.records).to_have_count(2)


def test_the_history_has_pages(browser: Browser, server: Server, caller: dict[str, str]) -> None:
    for n in range(25):
        server.client.get(f"/fib?n={n}", headers=caller)
    with watched(browser, str(server.client.base_url)) as console:
        console.sign_in("test_the_history_has_pages")
        expect(console.records).to_have_count(10)
        expect(console.records.first).to_contain_text("n=24")
        console.page.get_by_role("button", name="Older").click()
        expect(console.records.first).to_contain_text("n=14")
        # New requests do not disturb an older page.
        server.client.get("/fib?n=99", headers=caller)
        console.page.get_by_role("button", name="Older").click()
        expect(console.records).to_have_count(5)
        expect(console.page.get_by_role("button", name="Older")).to_be_hidden()
        console.page.get_by_role("button", name="Newest").click()
        expect(console.records.first).to_contain_text("n=99")


def test_a_token_without_the_scope_is_refused_once(browser: Browser, server: Server) -> None:
    token = server.run("token", "limited", "--scope", "math").stdout.strip()
    session = f'{{"user":"limited","token":"{token}","scope":"math","expires":9999999999999}}'
    with watched(browser, str(server.client.base_url)) as console:
        console.expected = {403}
        # Until then the page removes the session of its tab.
        expect(console.page.get_by_role("heading", name="Sign in")).to_be_visible()
        console.page.evaluate("text => sessionStorage.setItem('mathops:/', text)", session)
        console.page.reload()
        expect(console.page.get_by_text("the token lacks the scope history")).to_be_visible()
        console.run("fib", n="10")
        expect(console.result).to_contain_text("55")
        console.page.wait_for_timeout(4500)
        assert console.count("/history") == 1


def test_the_live_view_shows_the_service(console: Watched, server: Server, caller: dict[str, str]) -> None:
    for n in range(30):
        server.client.get(f"/fib?n={n % 3}", headers=caller)

    page = console.page
    expect(page.get_by_role("list", name="Readiness")).to_contain_text("journal: ok")
    tile = page.locator("#tiles .card")
    expect(tile.filter(has_text="Requests")).to_contain_text(re.compile(r"\d/s"))
    expect(tile.filter(has_text="Latency")).to_contain_text(re.compile(r"ms"))
    expect(tile.filter(has_text="Server errors")).to_contain_text("0 %")
    expect(tile.filter(has_text="Cache hits")).to_contain_text(re.compile(r"[1-9][\d.]* % since the start"))
    expect(tile.filter(has_text="Computing processes")).to_contain_text(re.compile(r"0 of \d busy"))
    expect(tile.filter(has_text="Journal")).to_contain_text("rows/s")
    expect(tile.filter(has_text="Outbox")).to_contain_text("off")
    expect(page.get_by_role("img", name=re.compile(r"Requests in the last \d+ s: "))).to_be_visible()


def test_the_live_view_shows_the_outbox_if_events_are_published(browser: Browser, server: Server) -> None:
    body = '{"status":"degraded","checks":{"journal":"ok","kafka":"no broker"},"login":"users file"}'
    with watched(browser, str(server.client.base_url)) as visitor:
        visitor.page.route("**/readyz", lambda route: route.fulfill(content_type="application/json", body=body))
        visitor.page.reload()
        expect(visitor.page.get_by_text("kafka: no broker")).to_be_visible()
        expect(visitor.page.locator("#tiles .card").filter(has_text="Outbox")).to_contain_text(
            re.compile(r"\d+ rows?oldest [\d.]+ s")
        )


def test_the_live_view_calculates_like_the_command_line(browser: Browser, server: Server) -> None:
    caller = server.login("calculation")

    def exposition() -> str:
        return server.client.get("/metrics", headers={"Accept": "text/plain"}).text

    before = exposition()
    for n in range(60):
        server.client.get(f"/fib?n={n * 40}", headers=caller)
    now = exposition()
    interval = Interval(Scrape(before, 0), Scrape(now, 2))
    script = """async ([before, now]) => {
      const { NAMES, increases, parse, quantile, sum, total } = await import("/console/metrics.js");
      const [first, second] = [parse(before), parse(now)];
      const [requests, latency, rows] = [NAMES.requests, NAMES.latency, NAMES.rows].map(
        (name) => increases(first, second, name));
      return [total(requests), quantile(latency, 0.95), total(rows), sum(second[NAMES.hits])];
    }"""
    with watched(browser, str(server.client.base_url)) as visitor:
        found = visitor.page.evaluate(script, [before, now])

    assert found == pytest.approx(
        [
            interval.rate(metrics.HTTP_REQUESTS) * 2,
            interval.quantile(metrics.HTTP_DURATION, 0.95),
            interval.rate(metrics.JOURNAL_ROWS) * 2,
            interval.total(metrics.CACHE_HITS),
        ]
    )
    assert found[2] >= 60


def test_the_live_view_is_public_like_the_metrics(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as visitor:
        expect(visitor.page.locator("#tiles .card").first).to_contain_text("/s", timeout=10_000)


def test_metrics_with_a_scope_are_explained_and_not_requested_again(browser: Browser, tmp_path: Path) -> None:
    with (
        running(tmp_path, MATHOPS_METRICS_SCOPE="metrics") as server,
        watched(browser, str(server.client.base_url)) as visitor,
    ):
        visitor.expected = {401, 403}
        notice = visitor.page.locator("#service-notice")
        expect(notice).to_have_text("These figures need a token with the scope metrics. Sign in as a user who has it.")
        visitor.sign_in("alice")
        expect(notice).to_contain_text("the token of this session has: math history")
        expect(visitor.page.get_by_text("journal: ok")).to_be_visible()
        visitor.page.wait_for_timeout(4500)
        assert visitor.count("/metrics") == 2


def test_a_service_that_is_not_ready_is_shown(browser: Browser, server: Server) -> None:
    body = '{"status":"unavailable","checks":{"journal":"disk full","redis":"ok"},"login":"demo: anyone may log in"}'
    with watched(browser, str(server.client.base_url)) as visitor:
        visitor.expected = {503}
        visitor.page.route(
            "**/readyz", lambda route: route.fulfill(status=503, content_type="application/json", body=body)
        )
        visitor.page.reload()
        expect(visitor.page.get_by_role("list", name="Readiness")).to_contain_text("journal: disk full")
        expect(visitor.page.get_by_label("Password")).to_be_hidden()
