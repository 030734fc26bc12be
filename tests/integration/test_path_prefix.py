"""Every link works below the path prefix of nginx and HAProxy, whether the proxy removes the prefix or keeps it."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.integration.test_proxies import requires_proxies
from tests.support import reverse_proxies
from tests.support.server import Server
from tests.support.server import running as running_server

pytestmark = [pytest.mark.timeout(120), requires_proxies]

# The proxy and the prefix; the service is configured for the prefix /kept.
PLACES = {
    "nginx removes it": ("nginx", "/removed"),
    "nginx keeps it": ("nginx", "/kept"),
    "HAProxy": ("haproxy", "/removed"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = {"FORWARDED_ALLOW_IPS": "127.0.0.1", "MATHOPS_ROOT_PATH": "/kept"}
    with running_server(tmp_path_factory.mktemp("server"), **variables) as server:
        yield server


@pytest.fixture(scope="module")
def addresses(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, str]]]:
    """Origin and prefix of each place."""
    with reverse_proxies.running(tmp_path_factory.mktemp("proxies"), server.port) as ports:
        yield {name: (f"http://127.0.0.1:{getattr(ports, proxy)}", prefix) for name, (proxy, prefix) in PLACES.items()}


@pytest.fixture(params=PLACES)
def address(request: pytest.FixtureRequest, addresses: dict[str, tuple[str, str]]) -> tuple[str, str]:
    return addresses[request.param]


def test_a_visitor_uses_the_documentation(browser: Browser, address: tuple[str, str]) -> None:
    origin, prefix = address
    page = browser.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("requestfailed", lambda request: errors.append(request.url))

    page.goto(f"{origin}{prefix}/")
    assert page.url == f"{origin}{prefix}/docs"
    login, power, history = (page.locator(f'form[data-path="{path}"]') for path in ("/login", "/pow", "/history"))
    login.locator("[name=user]").fill("alice")
    login.get_by_role("button").click()
    expect(login.locator("output")).to_contain_text("access_token")
    power.get_by_role("button").click()
    expect(power.locator("output")).to_contain_text('"result":"32"')
    history.get_by_role("button").click()
    expect(history.locator("output")).to_contain_text('200\n{"records":[{')
    link = page.get_by_role("link", name="openapi.json")
    assert link.evaluate("anchor => anchor.href") == f"{origin}{prefix}/openapi.json"

    page.close()
    assert errors == []


def test_links_lead_to_the_service(address: tuple[str, str]) -> None:
    origin, prefix = address
    with httpx2.Client(base_url=origin) as client:
        server = client.get(f"{prefix}/openapi.json").json()["servers"][0]["url"]
        assert server == prefix
        token = client.post(f"{server}/login", json={"user": "bob"}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for n in range(3):
            assert client.get(f"{server}/fib?n={n}").json()["result"] == "011"[n]
        problem = client.get(f"{server}/fib?n=x").json()
        assert client.get(problem["type"]).headers["content-type"].startswith("text/html")
        assert problem["instance"] == f"{prefix}/fib"
        response = client.get(f"{server}/history?limit=1")
        following = client.get(response.links["next"]["url"]).json()
        assert response.links["next"]["url"] == response.json()["next"]
        assert following["records"][0]["endpoint"] == "/fib"


def test_the_command_line_follows_pages(address: tuple[str, str], server: Server) -> None:
    origin, prefix = address
    token = server.login(f"cli{prefix[1:]}{origin[-4:]}")["Authorization"]
    with httpx2.Client(base_url=f"{origin}{prefix}", headers={"Authorization": token}) as client:
        for _ in range(201):
            client.get("/fib?n=1")

    url = {"MATHOPS_URL": f"{origin}{prefix}", "MATHOPS_TOKEN": token.removeprefix("Bearer ")}
    found = server.run("history", "--limit", "300", **url)

    assert found.returncode == 0, found.stderr
    assert len(found.stdout.splitlines()) == 202


def test_without_a_proxy_the_service_needs_no_prefix(server: Server) -> None:
    assert server.client.get("/livez").status_code == 200
    assert server.client.get("/kept/livez").status_code == 200


def test_a_prefix_of_the_caller_is_replaced(addresses: dict[str, tuple[str, str]]) -> None:
    origin, prefix = addresses["nginx removes it"]

    response = httpx2.get(f"{origin}{prefix}/", headers={"X-Forwarded-Prefix": "/evil"})

    assert response.headers["location"] == f"{prefix}/docs"
