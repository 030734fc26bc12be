"""Every link works below the path prefix of nginx and HAProxy, whether the proxy removes the prefix or keeps it."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.integration.test_proxies import requires_proxies
from tests.support import reverse_proxies
from tests.support.browser import watched
from tests.support.server import Server
from tests.support.server import running as running_server
from tests.support.sign_in_issuer import SignInIssuer, issuers_file

pytestmark = [pytest.mark.timeout(120), requires_proxies]

# The proxy and the prefix; the service is configured for the prefix /kept.
PLACES = {
    "nginx removes it": ("nginx", "/removed"),
    "nginx keeps it": ("nginx", "/kept"),
    "HAProxy": ("haproxy", "/removed"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with SignInIssuer().running() as issuer:
        issuers = issuers_file(folder, issuer.entry())
        variables = {"FORWARDED_ALLOW_IPS": "127.0.0.1", "MATHOPS_ROOT_PATH": "/kept", "MATHOPS_ISSUERS_FILE": issuers}
        with running_server(folder, **variables) as server:
            yield server


@pytest.fixture(scope="module")
def addresses(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, str]]]:
    """Origin and prefix of each place."""
    with reverse_proxies.running(tmp_path_factory.mktemp("proxies"), server.port) as ports:
        yield {name: (f"http://127.0.0.1:{getattr(ports, proxy)}", prefix) for name, (proxy, prefix) in PLACES.items()}


@pytest.fixture(params=PLACES)
def address(request: pytest.FixtureRequest, addresses: dict[str, tuple[str, str]]) -> tuple[str, str]:
    return addresses[request.param]


def test_a_visitor_uses_the_console_and_the_documentation(browser: Browser, address: tuple[str, str]) -> None:
    origin, prefix = address
    user = f"visitor{prefix[1:]}{origin[-5:]}"
    with watched(browser, f"{origin}{prefix}/") as visitor:
        visitor.expected = {422}
        page = visitor.page
        visitor.sign_in(user)
        visitor.run("pow", base="2", exp="5")
        expect(visitor.result).to_contain_text("2 digits")
        expect(visitor.records).to_have_count(1)
        for n in range(25):
            visitor.run("fib", n=str(n))
            expect(page.locator("#announcement")).to_contain_text(f"fib(n={n})")
        page.get_by_label("Operation").select_option("pow")
        expect(visitor.records).to_have_count(1)
        page.get_by_label("Operation").select_option("fib")
        expect(visitor.records.first).to_contain_text("n=24")
        page.get_by_role("button", name="Older").click()
        expect(visitor.records.first).to_contain_text("n=14")
        page.get_by_role("button", name="Older").click()
        expect(visitor.records).to_have_count(5)
        expect(page.locator("#tiles .card").first).to_contain_text("/s", timeout=10_000)
        alert = visitor.run("fact", n="x").get_by_role("alert")
        alert.get_by_role("link", name="About invalid-parameter").click()
        assert page.url == f"{origin}{prefix}/problems/invalid-parameter"
        page.get_by_role("link", name="API", exact=True).click()
        assert page.url == f"{origin}{prefix}/docs"
        expect(page.get_by_role("banner")).to_contain_text(user)
        power = page.get_by_role("form", name="GET /pow", exact=True)
        power.get_by_role("button", name="Send").click()
        expect(power).to_contain_text('"result":"32"')
        expect(page.locator("#origin")).to_have_text(f"{origin}{prefix}")
        link = page.get_by_role("link", name="openapi.json")
        assert link.evaluate("anchor => anchor.href") == f"{origin}{prefix}/openapi.json"
        assert all(url.startswith(f"{origin}{prefix}/") for url in visitor.requested)


def test_the_console_needs_no_final_slash(browser: Browser, addresses: dict[str, tuple[str, str]]) -> None:
    origin, prefix = addresses["nginx keeps it"]
    with watched(browser, f"{origin}{prefix}") as visitor:
        visitor.sign_in("slashless")
        visitor.run("pow", base="2", exp="5")
        expect(visitor.result).to_contain_text("2 digits")


def test_a_visitor_signs_in_through_an_issuer(browser: Browser, address: tuple[str, str]) -> None:
    origin, prefix = address
    with watched(browser, f"{origin}{prefix}/docs") as visitor:
        page = visitor.page
        page.get_by_role("link", name="Sign in with Test issuer").click()
        expect(page.get_by_role("banner")).to_contain_text("#alice")
        assert page.url == f"{origin}{prefix}/docs"
        page.get_by_role("link", name="Console").click()
        visitor.run("pow", base="2", exp="5")
        expect(visitor.result).to_contain_text("2 digits")
        (cookie,) = page.context.cookies(f"{origin}{prefix}/pow")
        assert cookie["path"] == f"{prefix}/"
        # An update of the history may be under way.
        visitor.expected = {401}
        with page.expect_request("**/end-session?*"):
            page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("User", exact=True)).to_be_visible()
        assert page.url == f"{origin}{prefix}/"
        assert page.context.cookies(f"{origin}{prefix}/pow") == []


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
