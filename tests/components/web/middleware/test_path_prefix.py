"""Paths and links below a path prefix of a proxy; the tests cover reported errors of other services."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from tests.components.web import asgi
from tests.components.web.responses import assert_problem
from tests.conftest import World

# The address of a request by Starlette's test client.
PROXY = "testclient"
INVALID = (
    *("//evil.example", "///evil.example", "/\\evil.example", "https://evil.example", "evil.example", "/a//b"),
    *("/a/../b", "/..", "/.", "/./a", "/.hidden", "/%2e%2e", "/%2f%2fevil.example", "/a b", "/a\tb", "/a\x00"),
    *("/a\r\nSet-Cookie: x", "/a\n", "/a?b", "/a#b", "/a;b", '/a"><script>', "/é", "/a,/b", "", " ", "/", "//"),
    "/" + "a" * 256,
)


@pytest.fixture
def prefixed(make_world: Callable[..., World]) -> World:
    return make_world(root_path="/math")


@pytest.fixture
def proxied(make_world: Callable[..., World]) -> World:
    return make_world(trusted_proxies=PROXY)


def location(world: World, path: str = "/", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.client.get(path, headers=named, follow_redirects=False).headers["location"]


@pytest.mark.parametrize("prefix", ["", "/math"])
def test_a_proxy_may_remove_or_keep_the_prefix(prefixed: World, prefix: str) -> None:
    labels = {"method": "GET", "route": "/pow", "status": "200"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0

    assert prefixed.get(f"{prefix}/pow?base=2&exp=5").json()["result"] == "32"

    assert [row.endpoint for row in prefixed.journal.records] == ["/pow"]
    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + 1


@pytest.mark.parametrize("path", ["/", "/math", "/math/"])
def test_the_root_leads_to_the_documentation_below_the_prefix(prefixed: World, path: str) -> None:
    assert location(prefixed, path) == "/math/docs"


@pytest.mark.parametrize(
    "path", ["/mathematics", "/mathpow", "/math/math/pow", "/math//pow", "/other/pow", "/MATH/pow"]
)
def test_the_prefix_is_a_whole_path_segment_and_removed_once(prefixed: World, path: str) -> None:
    assert_problem(prefixed.get(path), 404, "not-found", prefix="/math")


@pytest.mark.parametrize("path", ["/math/pow", "/math/history", "/math/unknown", "/math/metrics/"])
def test_paths_below_the_prefix_need_a_token(prefixed: World, path: str) -> None:
    assert prefixed.client.get(path).status_code == 401


def test_the_links_of_a_problem_are_below_the_prefix(prefixed: World) -> None:
    document = assert_problem(prefixed.get("/math/unknown"), 404, "not-found", prefix="/math")

    assert document["instance"] == "/math/unknown"
    page = prefixed.client.get(document["type"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


def test_pages_of_the_history_are_linked_below_the_prefix(prefixed: World) -> None:
    for n in range(3):
        prefixed.get(f"/math/fib?n={n}")

    response = prefixed.get("/math/history?limit=2")

    following = response.json()["next"]
    assert following.startswith("/math/history?limit=2&before=")
    newer = response.json()["newer"]
    assert newer.startswith("/math/history?limit=2&after=")
    assert response.headers["link"] == f'<{following}>; rel="next", <{newer}>; rel="prev"'
    assert [record["parameters"] for record in prefixed.get(following).json()["records"]] == [{"n": "0"}]


def test_openapi_names_the_prefix_as_the_server(prefixed: World, world: World) -> None:
    document = prefixed.client.get("/math/openapi.json").json()

    assert document["servers"] == [{"url": "/math"}]
    assert "/pow" in document["paths"]
    assert "servers" not in world.client.get("/openapi.json").json()


def test_the_documentation_loads_its_script_below_the_prefix(prefixed: World) -> None:
    assert prefixed.client.get("/math/docs").text == prefixed.client.get("/docs").text
    assert prefixed.client.get("/math/console/docs.js").status_code == 200


@pytest.mark.parametrize("path", ["/", "/math", "/math/"])
def test_the_console_names_its_files_with_the_prefix(prefixed: World, path: str) -> None:
    # Relative names would fail at a path without the final slash.
    page = prefixed.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)

    assert page.status_code == 200
    assert 'src="/math/console/console.js"' in page.text
    assert page.headers["vary"] == "Accept, X-Forwarded-Prefix"


def test_a_prefix_may_be_the_path_of_an_endpoint(make_world: Callable[..., World]) -> None:
    world = make_world(root_path="/docs")

    for path in ("/console/docs.js", "/docs/console/docs.js", "/docs/docs", "/docs/livez", "/livez"):
        assert world.client.get(path).status_code == 200, path


@pytest.mark.parametrize("sent", ["/math", "/math/", "/a/b-c_d.e~f/9"])
def test_a_trusted_proxy_names_the_prefix(proxied: World, sent: str) -> None:
    prefix = sent.removesuffix("/")

    assert location(proxied, X_Forwarded_Prefix=sent) == f"{prefix}/docs"
    response = proxied.get("/history?limit=0", X_Forwarded_Prefix=sent)
    assert_problem(response, 422, "invalid-parameter", prefix=prefix)
    servers = proxied.client.get("/openapi.json", headers={"X-Forwarded-Prefix": sent}).json()["servers"]
    assert servers == [{"url": prefix}]


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8", "192.0.2.1"])
def test_the_header_of_others_is_ignored(make_world: Callable[..., World], trusted: str) -> None:
    assert location(make_world(trusted_proxies=trusted), X_Forwarded_Prefix="/math") == "/docs"


@pytest.mark.anyio
@pytest.mark.parametrize("sent", INVALID)
async def test_an_invalid_prefix_is_ignored(proxied: World, sent: str) -> None:
    request = asgi.scope("GET", "/", {"X-Forwarded-Prefix": sent})
    request["client"] = (PROXY, 1)

    headers = dict((await asgi.exchange(proxied.client.app, request, []))[0]["headers"])

    assert headers[b"location"] == b"/docs"


def test_a_repeated_prefix_is_ignored(proxied: World) -> None:
    headers = [("X-Forwarded-Prefix", "/a"), ("X-Forwarded-Prefix", "/b")]

    response = proxied.client.get("/", headers=headers, follow_redirects=False)

    assert response.headers["location"] == "/docs"


def test_the_prefix_of_the_proxy_precedes_that_of_the_setting(make_world: Callable[..., World]) -> None:
    world = make_world(trusted_proxies=PROXY, root_path="/math")

    assert location(world, X_Forwarded_Prefix="/other") == "/other/docs"
    assert location(world, X_Forwarded_Prefix="//evil.example") == "/math/docs"
    assert location(world) == "/math/docs"


@pytest.mark.parametrize("path", ["/x/metrics", "/x/livez", "/x"])
def test_the_header_does_not_change_the_path(proxied: World, path: str) -> None:
    # A proxy that denies /metrics, and forwards the header of a caller, has not checked this path.
    response = proxied.get(path, X_Forwarded_Prefix="/x")

    assert_problem(response, 404, "not-found", prefix="/x")


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
def test_caches_distinguish_prefixes(proxied: World, path: str) -> None:
    response = proxied.client.get(path, headers={"X-Forwarded-Prefix": "/math"}, follow_redirects=False)

    assert response.headers["cache-control"] == "public, max-age=300"
    assert "X-Forwarded-Prefix" in response.headers["vary"].split(", ")


def test_the_address_of_the_client_is_known_below_a_prefix(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"unauthenticated": 1}, trusted_proxies="*", root_path="/math")
    clients = ("192.0.2.1", "192.0.2.2", "192.0.2.1")

    found = [
        world.client.get("/math/pow", headers={"X-Forwarded-For": client, "X-Forwarded-Prefix": "/math"}).status_code
        for client in clients
    ]

    assert found == [401, 401, 429]


@pytest.mark.anyio
async def test_malformed_http_has_no_path(prefixed: World) -> None:
    request = asgi.scope("", "", {})
    request["extensions"] = {"mathops.malformed_request": {"detail": "send valid HTTP/1.1"}}

    sent = await asgi.exchange(prefixed.client.app, request, [])

    assert b'"instance":""' in sent[1]["body"]
    assert urlsplit(sent[1]["body"].decode().split('"')[3]).path == "/math/problems/malformed-request"
