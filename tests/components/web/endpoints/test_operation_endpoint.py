"""Responses of each operation, by method, path and media type."""

import asyncio
import hashlib
import re
from collections.abc import Callable

import pytest

from mathops.errors import DeadlineExceeded, MathopsError, Overloaded
from mathops.evaluator import Evaluator
from mathops.operations import Operation, Result
from mathops.ports import Timing
from tests.components.web.asgi import DISCONNECT, body, exchange, scope
from tests.components.web.responses import assert_problem
from tests.conftest import World

CASES = [
    ("pow", "base=2&exp=5", "32"),
    ("pow", "base=-2&exp=5", "-32"),
    ("pow", "base=0&exp=0", "1"),
    (f"pow?base=-1&exp={'9' * 4000}", "", "-1"),
    ("power", "base=10&exp=30", "1" + "0" * 30),
    ("fib", "n=0", "0"),
    ("fib", "n=10", "55"),
    ("fibonacci", "n=100", "354224848179261915075"),
    ("fact", "n=0", "1"),
    ("factorial", "n=20", "2432902008176640000"),
]


@pytest.mark.parametrize(("path", "query", "result"), CASES, ids=lambda text: text[:20])
def test_get_gives_the_exact_result(world: World, path: str, query: str, result: str) -> None:
    response = world.get(f"/{path}?{query}" if query else f"/{path}")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["result"] == result
    assert response.json()["digits"] == len(result.lstrip("-"))


@pytest.mark.parametrize("path", ["/pow", "/power"])
def test_a_long_name_is_the_same_operation(world: World, path: str) -> None:
    response = world.get(f"{path}?base=2&exp=5")

    assert response.json() == {"operation": "pow", "parameters": {"base": "2", "exp": "5"}, "result": "32", "digits": 2}
    assert [(row.operation, row.endpoint) for row in world.journal.records] == [("pow", path)]


def test_post_returns_the_result_of_get(world: World) -> None:
    response = world.client.post("/pow", json={"base": 2, "exp": "5"}, headers=world.bearer())

    assert response.json() == world.get("/pow?base=2&exp=5").json()


def test_the_response_to_a_post_is_not_cacheable(world: World) -> None:
    headers = world.client.post("/fib", json={"n": 5}, headers=world.bearer()).headers

    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers


def test_head_returns_the_headers_of_get_without_a_body(world: World) -> None:
    asked = world.get("/fib?n=50")

    response = world.client.head("/fib?n=50", headers=world.bearer())

    assert response.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control", "vary"):
        assert response.headers[name] == asked.headers[name]
    assert world.journal.records[-1].result == "12586269025"


def test_text_is_the_digits_alone(world: World) -> None:
    response = world.get("/pow?base=-3&exp=3", Accept="text/plain")

    assert response.text == "-27"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_long_result_is_whole(world: World) -> None:
    response = world.get("/pow?base=10&exp=200000", Accept="text/plain", Accept_Encoding="identity")

    assert response.text == "1" + "0" * 200_000
    assert response.headers["content-length"] == "200001"


@pytest.mark.anyio
@pytest.mark.parametrize("digits", [65535, 65536, 65537, 131072])
async def test_no_slice_is_long_or_empty(world: World, digits: int) -> None:
    request = scope("GET", f"/pow?base=10&exp={digits - 1}", {**world.bearer(), "Accept": "text/plain"})

    sent = await exchange(world.client.app, request, [body(b"")])

    sizes = [len(message["body"]) for message in sent[1:]]
    assert sum(sizes) == digits
    assert 0 < min(sizes) <= max(sizes) <= 65536
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(sizes) - 1) + [False]


def test_each_media_type_has_its_limit(make_world: Callable[..., World]) -> None:
    world = make_world(json_digits=100, text_digits=200)

    document = assert_problem(world.get("/pow?base=10&exp=150"), 422, "result-too-large")

    assert document["predicted_digits"] in (151, 152)
    assert document["limit_digits"] == 100
    assert "text/plain" in document["detail"]
    assert world.get("/pow?base=10&exp=150", Accept="text/plain").status_code == 200
    assert_problem(world.get("/pow?base=10&exp=250", Accept="text/plain"), 422, "result-too-large")
    assert world.compute.computed == 0


@pytest.mark.parametrize("target", ["/fact?n=" + "9" * 4000, "/fib?n=" + "9" * 400, "/pow?base=7&exp=" + "9" * 4300])
def test_a_result_of_infinite_predicted_size_is_rejected_without_work(world: World, target: str) -> None:
    document = assert_problem(world.get(target), 422, "result-too-large")

    assert document["predicted_digits"] is None
    assert world.cache.entries == {}
    assert world.compute.computed == 0


def test_the_use_of_the_cache_is_reported(world: World) -> None:
    headers = [world.get("/fib?n=10").headers["cache-status"] for _ in range(2)]

    assert headers == ["mathops; fwd=miss", "mathops; hit"]
    assert [row.cache for row in world.journal.records] == ["miss", "hit"]


def test_server_timing_is_reported_by_stage(make_world: Callable[..., World]) -> None:
    world = make_world(inline_digits=10)
    stages = re.compile(r"queue;dur=[\d.]+, compute;dur=[\d.]+, encode;dur=[\d.]+")

    assert world.get("/fact?n=100").headers["server-timing"] == "queue;dur=1.000, compute;dur=2.000, encode;dur=3.000"
    assert stages.fullmatch(world.get("/fact?n=5").headers["server-timing"])
    assert stages.fullmatch(world.get("/fact?n=5").headers["server-timing"])


def test_acceptable_types_may_be_split_over_several_headers(world: World) -> None:
    headers = [*world.bearer().items(), ("Accept", "text/plain"), ("Accept", "application/json;q=0.5")]

    assert world.client.get("/fib?n=10", headers=headers).text == "55"


def test_not_acceptable_names_the_acceptable_types(world: World) -> None:
    document = assert_problem(world.get("/fib?n=1", Accept="image/png"), 406, "not-acceptable")

    assert "text/plain" in document["detail"]
    response = world.client.post("/fib", json={"n": 1}, headers={**world.bearer(), "Accept": "image/png"})
    assert_problem(response, 406, "not-acceptable")
    assert [row.status for row in world.journal.records] == [406, 406]


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [
        (Overloaded("2 wait already; try again"), 503, "overloaded"),
        (DeadlineExceeded("ask for a smaller result", deadline_seconds=2), 504, "deadline-exceeded"),
    ],
)
def test_a_failed_computation_is_reported_and_recorded(
    make_world: Callable[..., World], error: MathopsError, status: int, problem: str
) -> None:
    world = make_world(inline_digits=0)
    world.compute.error = error

    response = world.get("/fact?n=100")

    assert_problem(response, status, problem)
    assert response.headers.get("retry-after") == (error.retry_after and str(error.retry_after))
    [row] = world.journal.records
    assert (row.status, row.problem, row.result, row.cache) == (status, problem, None, None)


def test_a_record_describes_the_whole_response(world: World) -> None:
    world.get("/pow?base=2&exp=5", X_Request_ID="mine-1")

    [row] = world.journal.records
    assert (row.user, row.operation, row.endpoint, row.parameters) == (
        "alice",
        "pow",
        "/pow",
        {"base": "2", "exp": "5"},
    )
    assert (row.result, row.result_digits, row.result_sha256) == ("32", 2, None)
    assert (row.status, row.problem, row.cache, row.request_id) == (200, None, "miss", "mine-1")
    assert row.duration_ms > 0


def test_a_long_result_is_recorded_by_its_hash(make_world: Callable[..., World]) -> None:
    world = make_world(record_digits=10)
    world.get("/pow?base=10&exp=9")
    world.get("/pow?base=10&exp=10")

    short, long = world.journal.records
    assert (short.result, short.result_sha256) == ("1000000000", None)
    assert (long.result, long.result_digits) == (None, 11)
    assert long.result_sha256 == hashlib.sha256(b"10000000000").hexdigest()


class Endless:
    """A computation that ends only when it is cancelled."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_disconnect_stops_the_computation_and_is_recorded_as_499(
    make_world: Callable[..., World], method: str
) -> None:
    endless = Endless()
    world = make_world()
    world.resources.evaluator = Evaluator(world.cache, endless, world.rate_limiter, inline_digits=0)
    headers = {**world.bearer(), "Content-Type": "application/json"}
    target, content = ("/fact?n=1000", b"") if method == "GET" else ("/fact", b'{"n": 1000}')

    sent = await exchange(world.client.app, scope(method, target, headers), [body(content), DISCONNECT])

    assert sent == []
    async with asyncio.timeout(5):
        await endless.cancelled.wait()
    assert [(row.status, row.problem, row.result, row.parameters) for row in world.journal.records] == [
        (499, "client-closed-request", None, {"n": "1000"})
    ]


@pytest.mark.anyio
async def test_a_disconnect_within_the_body_is_recorded_as_499(world: World) -> None:
    request = scope("POST", "/fib", {**world.bearer(), "Content-Type": "application/json"})

    assert await exchange(world.client.app, request, [body(b'{"n": ', more=True), DISCONNECT]) == []
    assert [(row.status, row.user) for row in world.journal.records] == [(499, "alice")]


@pytest.mark.anyio
async def test_a_disconnect_without_a_journal_raises_nothing(world: World) -> None:
    world.journal.error = "the disk is full"
    request = scope("POST", "/fib", {**world.bearer(), "Content-Type": "application/json"})

    assert await exchange(world.client.app, request, [DISCONNECT]) == []


@pytest.mark.anyio
async def test_a_disconnect_during_login_raises_nothing(world: World) -> None:
    request = scope("POST", "/login", {"Content-Type": "application/json"})

    assert await exchange(world.client.app, request, [body(b'{"user": ', more=True), DISCONNECT]) == []
    assert world.journal.records == []
