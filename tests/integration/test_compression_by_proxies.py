"""Compressed results and parts of results through nginx and HAProxy, which compress too, and by real clients."""

import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

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


@pytest.mark.parametrize("proxy", ["nginx", "haproxy"])
def test_a_part_of_a_result_passes_unchanged(client: httpx2.Client, ports: Ports, proxy: str) -> None:
    url = f"http://127.0.0.1:{getattr(ports, proxy)}{TARGET}"
    complete = client.get(url, headers={"Accept-Encoding": "identity"})

    part = client.get(url, headers={"Range": "bytes=40000-", "If-Range": complete.headers["etag"]})

    assert (part.status_code, part.text) == (206, complete.text[40_000:])
    assert part.headers["content-range"] == f"bytes 40000-{DIGITS - 1}/{DIGITS}"
    assert "content-encoding" not in part.headers
    assert client.get(url, headers={"Range": f"bytes={DIGITS}-"}).headers["content-range"] == f"bytes */{DIGITS}"


RESUME = {
    "curl": ["curl", "--silent", "--show-error", "--fail", "--continue-at", "-", "--output", "digits"],
    "wget": ["wget", "--quiet", "--continue", "--output-document", "digits"],
}


@pytest.mark.parametrize("tool", RESUME)
def test_an_interrupted_download_continues(
    client: httpx2.Client, server: Server, ports: Ports, tmp_path: Path, tool: str
) -> None:
    url = f"http://127.0.0.1:{ports.nginx}{TARGET}"
    digits = client.get(url).text
    (tmp_path / "digits").write_text(digits[:30_000])
    headers = [("--header", f"{name}: {client.headers[name]}") for name in ("Authorization", "Accept")]

    subprocess.run([*RESUME[tool], *chain(*headers), url], cwd=tmp_path, check=True, timeout=30)

    assert (tmp_path / "digits").read_text() == digits
    assert server.rows("status")[-1] == (206,)
