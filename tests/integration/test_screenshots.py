"""The screenshots of the documents show the present pages. `make screenshots` writes them."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect

from mathops.web.console.files import assets
from tests.support.browser import Watched, watched
from tests.support.images import text_of, with_text
from tests.support.server import Server, running

pytestmark = pytest.mark.timeout(120)

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH = 1000
# Large enough to be readable, and small enough for a repository.
MOST_BYTES = 150_000
# Texts of a page that neither time nor load changes.
SHOWN = """
[...document.querySelectorAll("h1, h2, h3, label, button, th, summary")]
  .filter((each) => each.checkVisibility()).map((each) => each.textContent.trim()).join("\\n")
"""


class Shot(NamedTuple):
    """The part of the page from the top of one element to the bottom of another, at most `height` high."""

    path: str
    scheme: Literal["light", "dark"]
    top: str
    bottom: str
    height: int


SHOTS = {
    "console.png": Shot("/", "light", "body", "#results", 900),
    "console-dark.png": Shot("/", "dark", "body", "#results", 900),
    "console-service.png": Shot("/", "light", "#history", "#service", 1200),
    "api.png": Shot("/docs", "light", "body", "body", 760),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("screenshots")) as server:
        yield server


def prepare(watch: Watched, server: Server) -> None:
    """Results, a history and some load for the live view."""
    server.client.headers.update(server.login("alice"))
    page = watch.page
    watch.sign_in("alice")
    watch.run("fact", n="100000")
    expect(watch.result).to_contain_text("456,574 digits")
    watch.result.get_by_text("Response headers explained").click()
    for step in range(40 if writes() else 3):
        for n in range(3 + 8 * (step % 4)):
            server.client.get(f"/fib?n={(n * step) % 40}")
        page.wait_for_timeout(500)
    server.client.get("/pow?base=2&exp=ten")
    server.client.get("/power?base=2&exp=64")
    expect(watch.records.first).to_contain_text("/power")
    expect(page.locator("#tiles .card").first).to_contain_text("/s", timeout=10_000)


def writes() -> bool:
    return bool(os.environ.get("MATHOPS_SCREENSHOTS"))


def description(page: Page) -> str:
    style = hashlib.sha256(assets()["style.css"][0]).hexdigest()
    return f"{page.evaluate(SHOWN)}\nstyle {style}\n"


def clip(page: Page, shot: Shot) -> FloatRect:
    top, bottom = (page.locator(name).bounding_box() for name in (shot.top, shot.bottom))
    assert top is not None
    assert bottom is not None
    scrolled = page.evaluate("scrollY")
    height = bottom["y"] + bottom["height"] - top["y"]
    return {"x": 0, "y": top["y"] + scrolled, "width": WIDTH, "height": min(height + 16, shot.height)}


@pytest.mark.parametrize("name", SHOTS)
def test_a_screenshot_shows_the_present_page(browser: Browser, server: Server, name: str) -> None:
    shot = SHOTS[name]
    viewport = {"width": WIDTH, "height": 900}
    with watched(browser, str(server.client.base_url), color_scheme=shot.scheme, viewport=viewport) as watch:
        if shot.path == "/":
            prepare(watch, server)
        else:
            watch.page.goto(shot.path)
        described = description(watch.page)
        if writes():
            watch.page.evaluate("document.activeElement.blur()")
            image = watch.page.screenshot(full_page=True, clip=clip(watch.page, shot))
            IMAGES.joinpath(name).write_bytes(with_text(image, described))

        png = IMAGES.joinpath(name).read_bytes()
        assert text_of(png) == described, "run make screenshots"
        assert len(png) < MOST_BYTES


def test_every_screenshot_is_in_a_document() -> None:
    root = IMAGES.parents[1]
    documents = "".join(path.read_text() for path in (*root.glob("*.md"), *root.glob("docs/*.md")))

    assert {path.name for path in IMAGES.iterdir()} == set(SHOTS)
    assert [name for name in SHOTS if f"images/{name}" not in documents] == []
