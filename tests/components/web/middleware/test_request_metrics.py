"""Requests are counted by route template and known method, never by text of the caller."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from tests.components.web.asgi import DISCONNECT, body, exchange, scope
from tests.conftest import World


def requests(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0


def operations(operation: str, outcome: str, cache: str) -> float:
    labels = {"operation": operation, "outcome": outcome, "cache": cache}
    return REGISTRY.get_sample_value("mathops_operations_total", labels) or 0


def routes() -> set[str]:
    [family] = [family for family in REGISTRY.collect() if family.name == "http_requests"]
    return {sample.labels["route"] for sample in family.samples}


def methods() -> set[str]:
    [family] = [family for family in REGISTRY.collect() if family.name == "http_requests"]
    return {sample.labels["method"] for sample in family.samples}


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/fib?n=1", "/fib", 200),
        ("GET", "/fibonacci?n=1", "/fibonacci", 200),
        ("HEAD", "/fib?n=1", "/fib", 200),
        ("GET", "/fib?n=x", "/fib", 422),
        ("PUT", "/fib", "/fib", 405),
        ("GET", "/nothing", "unmatched", 404),
        ("GET", "/fib/", "unmatched", 404),
        ("GET", "/problems/not-found", "/problems/{slug}", 200),
        ("GET", "/problems/made-up", "/problems/{slug}", 404),
        ("BREW", "/fib", "/fib", 405),
        ("GET", "/livez", "/livez", 200),
        ("GET", "/livez?" + "x" * 9000, "/livez", 414),
    ],
)
def test_a_request_is_counted_by_its_route(world: World, method: str, path: str, route: str, status: int) -> None:
    label = "other" if method == "BREW" else method
    before = requests(label, route, status)

    world.client.request(method, path, headers=world.bearer())

    assert requests(label, route, status) == before + 1


def test_unknown_paths_and_methods_add_no_labels(world: World) -> None:
    world.get("/nothing")
    world.client.request("BREW", "/nothing", headers=world.bearer())
    known = routes(), methods()

    for n in range(20):
        world.get(f"/nothing/{n}")
        world.get(f"/problems/{n}")
        world.client.request(f"BREW{n}", "/fib")

    assert (routes() | {"/problems/{slug}", "/fib"}, methods()) == (known[0] | {"/problems/{slug}", "/fib"}, known[1])


def test_an_operation_is_counted_by_outcome_and_cache(world: World) -> None:
    before = [
        operations("fib", "ok", "miss"),
        operations("fib", "ok", "hit"),
        operations("fib", "invalid-parameter", "none"),
    ]

    for n in ("12", "12", "x"):
        world.get(f"/fib?n={n}")

    assert [
        operations("fib", "ok", "miss"),
        operations("fib", "ok", "hit"),
        operations("fib", "invalid-parameter", "none"),
    ] == [count + 1 for count in before]


@pytest.mark.anyio
async def test_a_disconnect_is_counted_as_499(make_world: Callable[..., World]) -> None:
    world = make_world()
    before = requests("POST", "/fib", 499)
    request = scope("POST", "/fib", {**world.bearer(), "Content-Type": "application/json"})

    await exchange(world.client.app, request, [body(b"{", more=True), DISCONNECT])

    assert requests("POST", "/fib", 499) == before + 1


def test_a_withheld_result_is_counted_as_journal_unavailable(world: World) -> None:
    before = operations("fib", "journal-unavailable", "miss")
    world.journal.error = "the disk is full"

    world.get("/fib?n=13")

    assert operations("fib", "journal-unavailable", "miss") == before + 1
