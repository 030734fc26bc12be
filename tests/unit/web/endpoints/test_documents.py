"""Documents about the service."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from mathops.schemas import event_schema
from tests.conftest import World


class Page(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self.handlers: list[str] = []
        self.inline_scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.addresses += [given[name] for name in ("href", "src", "action") if name in given]
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "script" and "src" not in given:
            self.inline_scripts += 1
        if tag == "form":
            self.forms[given["data-path"]] = {}
        if tag == "input":
            list(self.forms.values())[-1][given["name"]] = given["value"]


@pytest.fixture
def page(world: World) -> Page:
    return Page(world.client.get("/docs").text)


def test_the_root_leads_to_the_documentation(world: World) -> None:
    response = world.client.get("/", follow_redirects=False)

    assert (response.status_code, response.headers["location"]) == (307, "/docs")


def test_the_page_has_a_form_for_each_operation_login_and_history(page: Page) -> None:
    assert {"/pow", "/power", "/fib", "/fibonacci", "/fact", "/factorial", "/login", "/history"} <= set(page.forms)
    assert page.forms["/pow"] == {"base": "2", "exp": "5"}
    assert set(page.forms["/login"]) == {"user", "password"}
    filters = ("operation", "status", "outcome", "since")
    assert page.forms["/history"] == {**dict.fromkeys(filters, ""), "limit": "50", "before": "", "after": ""}


def test_the_page_loads_nothing_from_other_hosts(page: Page) -> None:
    assert page.addresses
    assert not any(urlsplit(address).netloc for address in page.addresses)


def test_links_are_relative_because_a_proxy_may_add_a_prefix(world: World, page: Page) -> None:
    assert not any(address.startswith("/") for address in page.addresses)
    assert not re.search(r"""fetch\(["'`]/""", world.client.get("/docs/try.js").text)


def test_every_link_on_the_page_exists(world: World, page: Page) -> None:
    for address in page.addresses:
        assert world.client.get(address).status_code == 200


def test_the_page_and_its_policy_agree(world: World, page: Page) -> None:
    headers = world.client.get("/docs").headers

    assert headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert page.inline_scripts == 0
    assert page.handlers == []


def test_a_form_for_each_input_of_the_script(world: World) -> None:
    response = world.client.get("/docs/try.js")

    assert response.headers["content-type"].startswith("text/javascript")
    # Data of a server is shown as text, never as markup.
    assert not re.search(r"innerHTML|document\.write|eval\(", response.text)


def test_the_schema_of_events_is_valid_and_the_one_of_the_records(world: World) -> None:
    response = world.client.get("/event.schema.json")

    assert response.headers["content-type"] == "application/schema+json"
    assert response.json() == event_schema()
    Draft202012Validator.check_schema(response.json())


@pytest.mark.parametrize(
    "path", ["/docs", "/openapi.json", "/event.schema.json", "/docs/try.js", "/problems/not-found"]
)
def test_documents_are_cacheable(world: World, path: str) -> None:
    assert world.client.get(path).headers["cache-control"] == "public, max-age=300"


def test_problem_pages_have_the_policy_too(world: World) -> None:
    assert "default-src 'none'" in world.client.get("/problems/not-found").headers["content-security-policy"]
