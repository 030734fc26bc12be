"""Fixtures of the integration tests."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; in CI a missing one is an error, elsewhere the test is skipped."""
    if not _CHROMIUM and not os.environ.get("CI"):
        pytest.skip("there is no Chromium: apt install chromium")
    assert _CHROMIUM, "there is no Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM)
        yield browser
        browser.close()
