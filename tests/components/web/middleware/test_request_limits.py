"""Requests that are too large or too slow."""

from collections.abc import Callable, Iterator

import pytest

from mathops.web.middleware.request_limits import OVER_CONNECTION_LIMIT
from tests.components.web.asgi import body, exchange, scope, status_of
from tests.components.web.responses import assert_problem
from tests.conftest import World


@pytest.fixture
def small(make_world: Callable[..., World]) -> World:
    return make_world(url_bytes=256, header_bytes=2048, body_bytes=256, read_timeout_seconds=0.05)


def chunked(length: int) -> Iterator[bytes]:
    while length > 0:
        yield b" " * min(length, 65536)
        length -= 65536


def test_a_target_of_the_limit_is_read_and_one_byte_more_is_not(small: World) -> None:
    fitting = "/fib?n=".ljust(257, "9")

    assert small.get(fitting).status_code == 422
    document = assert_problem(small.get(fitting + "9"), 414, "uri-too-long")
    assert "256 bytes" in document["detail"]
    assert "POST" in document["detail"]


def test_headers_over_the_limit_are_rejected(small: World) -> None:
    document = assert_problem(small.get("/fib?n=1", X_Long="x" * 2048), 431, "header-fields-too-large")

    assert "2048 bytes" in document["detail"]


def test_many_small_headers_count_too(small: World) -> None:
    assert_problem(small.get("/fib?n=1", **{f"X_{n}": "" for n in range(400)}), 431, "header-fields-too-large")


def test_rejected_heads_are_not_recorded(small: World) -> None:
    small.get("/fib?n=" + "9" * 300)
    small.get("/fib?n=1", X_Long="x" * 2048)

    assert small.journal.records == []


@pytest.mark.parametrize("path", ["/livez", "/docs", "/nothing"])
def test_the_limits_apply_to_every_path(small: World, path: str) -> None:
    assert_problem(small.client.get(f"{path}?{'x' * 300}"), 414, "uri-too-long")


@pytest.mark.parametrize("content", [b" " * 257, b" " * 10_000_000, "stream"], ids=["one more", "10 MB", "chunked"])
def test_a_body_over_the_limit_is_rejected_and_recorded(small: World, content: bytes | str) -> None:
    sent = chunked(10_000_000) if isinstance(content, str) else content
    headers = {**small.bearer(), "Content-Type": "application/json"}

    response = small.client.post("/fib", content=sent, headers=headers)

    document = assert_problem(response, 413, "content-too-large")
    assert "256 bytes" in document["detail"]
    [row] = small.journal.records
    assert (row.status, row.problem, row.user) == (413, "content-too-large", "alice")


def test_a_body_of_the_limit_is_read(small: World) -> None:
    headers = {**small.bearer(), "Content-Type": "application/json"}

    assert small.client.post("/fib", content=b'{"n": 10}'.ljust(256), headers=headers).json()["result"] == "55"


def test_a_large_body_without_a_token_is_unauthorized(small: World) -> None:
    assert_problem(small.client.post("/fib", content=b" " * 10_000), 401, "unauthorized")


@pytest.mark.anyio
@pytest.mark.parametrize("length", ["257", "1" * 19])
async def test_a_too_large_content_length_is_rejected_before_reading(small: World, length: str) -> None:
    headers = {**small.bearer(), "Content-Type": "application/json", "Content-Length": length}

    assert status_of(await exchange(small.client.app, scope("POST", "/fib", headers), [])) == 413


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/fib", "/login"])
async def test_a_slow_body_times_out(small: World, path: str) -> None:
    request = scope("POST", path, {**small.bearer(), "Content-Type": "application/json"})

    sent = await exchange(small.client.app, request, [body(b'{"n":', more=True)])

    assert status_of(sent) == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"0.05 s" in sent[1]["body"]
    assert [row.status for row in small.journal.records] == ([408] if path == "/fib" else [])


@pytest.mark.anyio
async def test_a_whole_body_in_pieces_is_read(small: World) -> None:
    request = scope("POST", "/fib", {**small.bearer(), "Content-Type": "application/json"})
    pieces = [body(piece, more=True) for piece in (b"{", b'"n"', b"", b": 10")]

    assert status_of(await exchange(small.client.app, request, [*pieces, body(b"}")])) == 200


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "status"), [("/fib?n=1", 503), ("/login", 503), ("/nothing", 503), ("/readyz", 200)])
async def test_over_the_connection_limit_only_probes_are_served(small: World, path: str, status: int) -> None:
    request = {**scope("GET", path, small.bearer()), "extensions": {OVER_CONNECTION_LIMIT: {}}}

    sent = await exchange(small.client.app, request, [])

    assert status_of(sent) == status
    assert (b"connection", b"close") in sent[0]["headers"]
    assert small.journal.records == []


def test_login_has_the_limit_of_bodies_too(small: World) -> None:
    response = small.client.post("/login", content=b" " * 300, headers={"Content-Type": "application/json"})

    assert_problem(response, 413, "content-too-large")
