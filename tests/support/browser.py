"""A page of the service in a real browser, and everything that goes wrong on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

_STATUS = re.compile(r"the server responded with a status of (\d{3})")


class Watched:
    """A page with its requests and its errors; `expected` are statuses whose report by the browser is no error."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.expected: set[int] = set()
        self.requested: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("console", self._report)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _report(self, message: ConsoleMessage) -> None:
        status = _STATUS.search(message.text)
        if status is None or int(status[1]) not in self.expected:
            self.errors.append(message.text)

    def origins(self) -> set[str]:
        return {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, self.requested) if url.scheme != "blob"}

    def count(self, path: str) -> int:
        return sum(urlsplit(url).path == path for url in self.requested)

    def sign_in(self, user: str) -> None:
        self.page.get_by_label("User", exact=True).fill(user)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("banner")).to_contain_text(user)

    def form(self, operation: str) -> Locator:
        return self.page.get_by_role("form", name=operation, exact=True)

    def run(self, operation: str, **parameters: str) -> Locator:
        """Send the form of the operation; returns it."""
        form = self.form(operation)
        for name, value in parameters.items():
            form.get_by_label(name, exact=True).fill(value)
        form.get_by_role("button", name="Run").click()
        return form

    @property
    def result(self) -> Locator:
        """The newest one."""
        return self.page.locator("#result-list article").first

    @property
    def records(self) -> Locator:
        return self.page.locator("#records tr")


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """The page at `url`; errors on it fail the test."""
    context = browser.new_context(base_url=url, **options)
    page = Watched(context.new_page())
    page.page.goto(url)
    yield page
    context.close()
    assert page.errors == [], page.errors


def violations(page: Page) -> list[str]:
    """The rules of axe-core that the page breaks, with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    return page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
