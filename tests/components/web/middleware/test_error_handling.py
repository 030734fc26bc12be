"""Errors are rendered in one format and logged, and never truncate a response."""

import re
from collections.abc import Callable

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from mathops.errors import problem_types
from tests.components.web.asgi import body, scope
from tests.components.web.responses import assert_problem
from tests.conftest import World


def test_an_unexpected_error_is_rendered_logged_and_recorded(make_world: Callable[..., World]) -> None:
    world = make_world(inline_digits=0)
    world.compute.error = ZeroDivisionError("a secret of ours")

    with capture_logs() as lines:
        response = world.get("/fact?n=100")

    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
    [line] = [line for line in lines if line["event"] == "request failed"]
    assert isinstance(line["exc_info"], ZeroDivisionError)
    assert [(row.status, row.problem) for row in world.journal.records] == [(500, "internal-error")]


def test_an_unexpected_error_is_rendered_on_other_paths_too(world: World) -> None:
    def broken() -> str:
        raise ZeroDivisionError

    world.resources.dependencies["cache"] = broken

    with capture_logs():
        assert_problem(world.client.get("/readyz"), 500, "internal-error")


@pytest.mark.anyio
async def test_an_error_after_the_start_of_the_response_is_raised(world: World) -> None:
    async def receive() -> Message:
        return body(b"")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.client.app(scope("GET", "/fib?n=10", world.bearer()), receive, send)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/pow", "GET, HEAD, POST"),
        ("PUT", "/factorial", "GET, HEAD, POST"),
        ("OPTIONS", "/fib", "GET, HEAD, POST"),
        ("BREW", "/fib", "GET, HEAD, POST"),
        ("GET", "/login", "POST"),
        ("POST", "/history", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
        ("POST", "/problems/not-found", "GET, HEAD"),
    ],
)
def test_a_wrong_method_gets_the_allowed_ones(world: World, method: str, path: str, allow: str) -> None:
    response = world.client.request(method, path, headers=world.bearer())

    assert response.headers["allow"] == allow
    assert allow in assert_problem(response, 405, "method-not-allowed")["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/pow/", "/POW", "/pow/2", "/docs/", "/problems", "/%00", "/é"])
def test_an_unknown_path_is_not_found(world: World, path: str) -> None:
    document = assert_problem(world.client.get(path, headers=world.bearer(), follow_redirects=False), 404, "not-found")

    assert "/openapi.json" in document["detail"]


def test_an_unknown_problem_type_is_not_found(world: World) -> None:
    assert_problem(world.client.get("/problems/made-up"), 404, "not-found")


def test_an_unknown_path_requires_a_token(world: World) -> None:
    assert_problem(world.client.get("/nothing"), 401, "unauthorized")


@pytest.mark.parametrize("slug", sorted(problem_types()))
def test_the_type_of_every_problem_opens_its_page(world: World, slug: str) -> None:
    page = world.client.get(f"/problems/{slug}")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert slug in page.text
    assert f"HTTP status {problem_types()[slug].status}" in page.text


def test_a_long_path_is_cut_in_the_response(world: World) -> None:
    document = assert_problem(world.get("/" + "x" * 5000), 404, "not-found")

    assert document["instance"] == "/" + "x" * 255


def test_every_problem_type_has_a_sentence_for_its_page() -> None:
    for error in problem_types().values():
        assert error.__doc__
        assert error.__doc__.rstrip().endswith((".", "!"))
        assert re.fullmatch("[a-z-]+", error.type)
        assert 400 <= error.status <= 599
