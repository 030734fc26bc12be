"""The pages in light and dark, by keyboard, on a phone, and by the rules of axe-core."""

from collections.abc import Callable, Iterator
from typing import Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Watched, overflow, violations, watched
from tests.support.server import Server, running

pytestmark = pytest.mark.timeout(120)

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# The second is that of a page enlarged to 400 % (WCAG 2.2, 1.4.10).
NARROW = (360, 320)
MOST_STOPS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("access")) as server:
        yield server


def sign_in_page(watch: Watched) -> None:
    expect(watch.page.get_by_label("User", exact=True)).to_be_visible()


def busy_console(watch: Watched) -> None:
    """With results, a problem, the history and the live view."""
    watch.expected = {422}
    watch.sign_in(f"a-user-with-a-rather-long-name@{uuid4().hex}")
    watch.run("fact", n="3000")
    expect(watch.result).to_contain_text("9,131 digits")
    watch.result.get_by_text("Response headers explained").click()
    watch.run("pow", base="9" * 300, exp="x")
    expect(watch.form("pow").get_by_role("alert")).to_contain_text("Invalid parameter")
    expect(watch.records).to_have_count(2)
    expect(watch.page.locator("#tiles .card").first).to_contain_text("/s", timeout=10_000)


def api_page(watch: Watched) -> None:
    watch.page.goto("/docs")
    for details in watch.page.locator("details").all():
        details.locator("summary").click()


def problem_page(watch: Watched) -> None:
    watch.page.goto("/problems/result-too-large")


PAGES: dict[str, Callable[[Watched], None]] = {
    "sign in": sign_in_page,
    "console": busy_console,
    "API": api_page,
    "problem": problem_page,
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser: Browser, server: Server, name: str, scheme: Literal["light", "dark"]) -> None:
    with watched(browser, str(server.client.base_url), color_scheme=scheme) as watch:
        PAGES[name](watch)
        assert violations(watch.page) == []


@pytest.mark.parametrize("width", NARROW)
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_horizontal_scrolling(browser: Browser, server: Server, name: str, width: int) -> None:
    with watched(browser, str(server.client.base_url), viewport={"width": width, "height": 740}) as watch:
        PAGES[name](watch)
        assert overflow(watch.page) == 0
        assert violations(watch.page) == []


def test_the_scheme_of_the_system_decides(browser: Browser, server: Server) -> None:
    def brightness(scheme: Literal["light", "dark"]) -> tuple[int, int]:
        with watched(browser, str(server.client.base_url), color_scheme=scheme) as watch:
            colours = watch.page.evaluate(
                "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
            )
            background, text = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
            return background, text

    light, dark = map(brightness, SCHEMES)
    assert light[0] > 600 > light[1]
    assert dark[0] < 150 < dark[1]


def focused(page: Page) -> str:
    """The name of the focused element, as far as a test needs it."""
    return page.evaluate(
        "document.activeElement === document.body ? 'BODY' : (({ id, textContent, tagName }) =>"
        " id || textContent.trim().slice(0, 30) || tagName)(document.activeElement)"
    )


def test_everything_works_by_keyboard(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as watch:
        keyboard, page = watch.page.keyboard, watch.page
        expect(page.get_by_label("User", exact=True)).to_be_visible()
        keyboard.press("Tab")
        assert focused(page) == "Skip to the content"
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        keyboard.press("Enter")
        keyboard.press("Tab")
        assert focused(page) == "user"
        keyboard.type("keyboard")
        keyboard.press("Enter")
        expect(page.locator("#pow-base")).to_be_focused()
        keyboard.type("3")
        keyboard.press("Tab")
        keyboard.type("1000")
        keyboard.press("Enter")
        expect(watch.result).to_contain_text("478 digits")
        keyboard.press("Tab")
        assert focused(page) == "Run"
        keyboard.press("Enter")
        expect(page.locator("#result-list article")).to_have_count(2)
        expect(page.get_by_role("button", name="Run").first).to_be_focused()


def test_the_focus_reaches_every_control_and_leaves_it(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as watch:
        busy_console(watch)
        watch.page.locator("#pow-base").focus()
        reached = []
        for _ in range(MOST_STOPS):
            watch.page.keyboard.press("Tab")
            reached.append(focused(watch.page))
            outline = watch.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or reached[-1] == "BODY", reached[-1]
            if reached[-1] == "BODY":
                break

        assert reached[-1] == "BODY"
        for control in ("Run", "Copy", "Download", "Show all digits", "filter-operation", "filter-since", "live"):
            assert control in reached, reached


def test_the_page_has_landmarks_and_one_main_heading(browser: Browser, server: Server) -> None:
    with watched(browser, str(server.client.base_url)) as watch:
        busy_console(watch)
        for role in ("banner", "main"):
            expect(watch.page.get_by_role(role)).to_have_count(1)
        expect(watch.page.get_by_role("navigation", name="Pages")).to_be_visible()
        expect(watch.page.get_by_role("heading", level=1)).to_have_count(1)
        for name in ("Compute", "Results", "History", "Service"):
            expect(watch.page.get_by_role("region", name=name)).to_be_visible()
