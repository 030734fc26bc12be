"""Compressed results through nginx and HAProxy, which compress too, and in a real browser."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.integration.test_proxies import requires_proxies
from tests.support import reverse_proxies
from tests.support.reverse_proxies import Ports
from tests.support.server import Server
from tests.support.server import running as running_server

pytestmark = [pytest.mark.timeout(120), requires_proxies]

TARGET = "/fib?n=200000"
DIGITS = 41_798


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def ports(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    with reverse_proxies.running(tmp_path_factory.mktemp("proxies"), server.port) as ports:
        yield ports


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(headers={**server.login(), "Accept": "text/plain"}) as client:
        yield client


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_a_compressed_result_passes_unchanged(client: httpx2.Client, ports: Ports, proxy: str, coding: str) -> None:
    url = f"http://127.0.0.1:{getattr(ports, proxy)}{TARGET}"
    client.headers["Accept-Encoding"] = coding

    response = client.get(url)

    assert response.headers["content-encoding"] == coding
    assert len(response.text) == DIGITS
    assert response.num_bytes_downloaded < 0.45 * DIGITS
    assert response.headers["etag"].startswith('"')
    again = client.get(url, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, response.headers["etag"])


def test_the_tag_of_a_proxy_that_compresses_itself_is_known(client: httpx2.Client, ports: Ports) -> None:
    url = f"http://127.0.0.1:{ports.nginx}/uncompressed{TARGET}"
    client.headers["Accept-Encoding"] = "gzip"

    response = client.get(url)

    assert response.headers["content-encoding"] == "gzip"
    assert len(response.text) == DIGITS
    assert response.headers["etag"].startswith('W/"')
    assert client.get(url, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_a_browser_decodes_a_result(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/livez")
    script = """async ({ target, headers }) => {
      const response = await fetch(target, { headers });
      const text = await response.text();
      return [response.headers.get("Content-Encoding"), text.length];
    }"""
    headers = {**server.login(), "Accept": "text/plain"}

    found = page.evaluate(script, {"target": TARGET, "headers": headers})

    page.close()
    assert found == ["zstd", DIGITS]
