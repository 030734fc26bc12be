"""Pages of another origin in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error

from tests.support.server import Server, free_port

pytestmark = pytest.mark.timeout(120)

# Logs in, sends a result request and an invalid one, and returns what the page can read.
SCRIPT = """
async (service) => {
  const body = JSON.stringify({ user: "alice" });
  const login = await fetch(`${service}/login`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  });
  const { token } = await login.json();
  const headers = { Authorization: `Bearer ${token}`, "X-Request-ID": "from-a-page" };
  const result = await fetch(`${service}/pow?base=2&exp=5`, { headers });
  const problem = await fetch(`${service}/pow?base=x`, { headers });
  const again = await fetch(`${service}/pow?base=2&exp=5`, {
    cache: "no-store", headers: { ...headers, "If-None-Match": result.headers.get("ETag") },
  });
  return {
    result: await result.json(), headers: Object.fromEntries(result.headers), again: again.status,
    problem: await problem.json(), unknown: (await fetch(`${service}/unknown`)).headers.get("WWW-Authenticate"),
  };
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    variables = {"MATHOPS_CORS_ORIGINS": f"http://localhost:{port}"}
    server = Server(tmp_path_factory.mktemp("server"), variables, port)
    try:
        yield server.start()
    finally:
        server.kill()


def run(browser: Browser, page_host: str, service_host: str, port: int) -> Any:
    """The result of SCRIPT on a page of the service itself, under another host name."""
    page = browser.new_page()
    try:
        page.goto(f"http://{page_host}:{port}/livez")
        return page.evaluate(SCRIPT, f"http://{service_host}:{port}")
    finally:
        page.close()


def test_a_page_of_an_allowed_origin_logs_in_and_reads_responses(browser: Browser, server: Server) -> None:
    found = run(browser, "localhost", "127.0.0.1", server.port)

    assert found["result"]["result"] == "32"
    assert {"etag", "cache-status", "server-timing", "x-request-id"} <= found["headers"].keys()
    assert found["headers"]["x-request-id"] == "from-a-page"
    assert found["again"] == 304
    assert found["problem"]["type"] == "/problems/invalid-parameter"
    assert found["unknown"].startswith("Bearer")
    # Preflight requests have no record.
    assert server.rows("operation, status") == [("pow", 200), ("pow", 422), ("pow", 304)]


def test_a_page_of_another_origin_reads_nothing(browser: Browser, server: Server) -> None:
    with pytest.raises(Error, match="Failed to fetch"):
        run(browser, "127.0.0.1", "localhost", server.port)
