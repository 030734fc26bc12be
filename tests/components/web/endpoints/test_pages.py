"""Pages for browsers: console, API page, problem types, and their static files."""

import json
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from mathops.errors import problem_types
from mathops.operations import OPERATIONS
from mathops.telemetry import metrics
from mathops.web.console.files import assets
from tests.components.web.endpoints.pages import Page
from tests.components.web.responses import assert_problem
from tests.conftest import World

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = ("/", "/docs", "/problems/not-found", "/console/style.css", "/console/console.js", "/console/icon.svg")
HTML_PAGES = PAGES[:3]


def load(world: World, path: str) -> Page:
    response = world.client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == 200
    return Page(response.text)


@pytest.fixture
def docs(world: World) -> Page:
    return load(world, "/docs")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "", "text/plain"])
def test_the_root_leads_other_clients_to_the_documentation(world: World, accept: str) -> None:
    response = world.client.get("/", headers={"Accept": accept}, follow_redirects=False)

    assert (response.status_code, response.headers["location"]) == (307, "/docs")
    assert response.headers["vary"] == "Accept, X-Forwarded-Prefix"


def test_the_root_is_the_console_for_browsers(world: World) -> None:
    response = world.client.get("/", headers={"Accept": BROWSER}, follow_redirects=False)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>mathops console</title>" in response.text


@pytest.mark.parametrize("path", PAGES)
def test_browsers_revalidate_every_page(world: World, path: str) -> None:
    first = world.client.get(path, headers={"Accept": BROWSER})
    # nginx weakens the tags of responses that it compresses.
    for known in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
        again = world.client.get(path, headers={"Accept": BROWSER, "If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    stale = world.client.get(path, headers={"Accept": BROWSER, "If-None-Match": '"other"'})

    assert stale.content == first.content
    # A page of a new release must not run scripts of the previous one.
    assert first.headers["cache-control"] == "public, no-cache"
    assert world.client.head(path, headers={"Accept": BROWSER}).headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_permits_only_files_of_the_service(world: World, path: str) -> None:
    headers = world.client.get(path, headers={"Accept": BROWSER}).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", HTML_PAGES)
def test_the_pages_obey_the_policy(world: World, path: str) -> None:
    page = load(world, path)

    assert page.inline == 0
    assert page.handlers == []
    assert len(set(page.ids)) == len(page.ids)


@pytest.mark.parametrize("path", HTML_PAGES)
def test_every_link_is_relative_and_exists(world: World, path: str) -> None:
    links = load(world, path).links

    assert links
    for link in links:
        assert not urlsplit(link).netloc
        # A proxy may add a prefix.
        assert not link.startswith("/")
        target = urljoin(path, link)
        assert world.client.get(target, headers={"Accept": BROWSER}).status_code == 200, target


@pytest.mark.parametrize("name", assets())
def test_a_file_has_its_media_type(world: World, name: str) -> None:
    media_type = world.client.get(f"/console/{name}").headers["content-type"]

    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert media_type.partition(";")[0] == kinds[name.rpartition(".")[2]]


@pytest.mark.parametrize("name", ["missing.js", "..%2f__init__.py", "page.html", "console.JS"])
def test_other_files_are_not_served(world: World, name: str) -> None:
    assert world.client.get(f"/console/{name}", headers=world.bearer()).status_code == 404


@pytest.mark.parametrize("name", [name for name in assets() if name.endswith(".js")])
def test_scripts_treat_data_as_text(name: str) -> None:
    text = assets()[name][0].decode()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)


def test_the_scripts_request_metrics_that_exist() -> None:
    names = re.findall(r'"((?:http|mathops)_\w+)"', assets()["metrics.js"][0].decode())
    described = {
        family.name + suffix
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
        for family in metric.describe()
        for suffix in ("", "_total", "_bucket")
    }

    assert len(names) == 12
    assert set(names) <= described


def test_the_api_page_has_a_form_for_every_request(docs: Page, world: World) -> None:
    paths = world.client.get("/openapi.json").json()["paths"]
    aliases = {operation.alias for operation in OPERATIONS}

    wanted = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method != "head" and path[1:] not in aliases
    }
    assert set(docs.forms) == wanted
    assert docs.forms["GET /pow"] == docs.forms["POST /pow"] == {"base": "2", "exp": "5"}
    assert docs.forms["GET /fact/plan"] == {"n": "5"}
    assert docs.forms["POST /login"] == {"user": "alice", "password": ""}
    filters = ("operation", "status", "outcome", "since")
    assert docs.forms["GET /history"] == {**dict.fromkeys(filters, ""), "limit": "50", "before": "", "after": ""}
    assert docs.forms["POST /token"]["grant_type"] == "client_credentials"


def test_authorization_is_first(docs: Page) -> None:
    assert next(iter(docs.forms)) == "POST /login"
    positions = [docs.ids.index(tag) for tag in ("identity", "operations", "history", "service", "clients", "problems")]
    assert positions == sorted(positions)


def test_the_api_page_links_every_problem_type(docs: Page) -> None:
    assert {f"problems/{slug}" for slug in problem_types()} <= docs.links


@pytest.mark.parametrize("slug", problem_types())
def test_a_problem_page_has_cause_fix_and_example(world: World, slug: str) -> None:
    text = world.client.get(f"/problems/{slug}").text

    error = problem_types()[slug]
    document = json.loads(unescape(re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)[0]))
    cause, fix = re.findall(r"<h2>(?:Cause|Fix)</h2>\n<p>(.*?)</p>", text, re.DOTALL)
    assert (document["status"], document["title"], document["type"]) == (error.status, error.title, f"/problems/{slug}")
    assert document["detail"]
    assert cause.endswith(".")
    assert fix.endswith(".")
    assert len(fix) > len("Retry.")
    assert "`" not in text


@pytest.mark.parametrize(
    ("slug", "path", "values"),
    [
        ("invalid-parameter", "/fib?n=-1", {}),
        ("not-found", "/nothing", {}),
        ("not-acceptable", "/fib?n=1", {"Accept": "image/png"}),
        ("precondition-failed", "/fib?n=1", {"If-Match": '"x"'}),
        ("range-not-satisfiable", "/fact?n=4", {"Accept": "text/plain", "Range": "bytes=2-"}),
        ("header-fields-too-large", "/fib?n=1", {"X-Long": "x" * 40_000}),
        ("uri-too-long", f"/fib?n={'1' * 9000}", {}),
        ("result-too-large", "/pow?base=10&exp=6999999", {"Accept": "text/plain"}),
    ],
)
def test_the_example_of_a_problem_is_a_real_response(
    world: World, slug: str, path: str, values: dict[str, str]
) -> None:
    error = problem_types()[slug]
    response = world.client.get(path, headers={**world.bearer(), **values})

    document = assert_problem(response, error.status, slug)
    assert document["detail"] == error.example
    assert {name: document[name] for name in error.example_members} == error.example_members


def test_pages_are_not_recorded(world: World) -> None:
    for path in PAGES:
        load(world, path)

    assert world.journal.records == []


def test_files_share_one_label_of_the_metrics(make_world: Callable[..., World]) -> None:
    labels = {"method": "GET", "route": "/console/{slug}", "status": "200"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0
    world = make_world()

    for name in assets():
        world.client.get(f"/console/{name}")

    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + len(assets())
