"""Every response has a request id: the caller's if it is valid, otherwise a new one."""

import uuid

import pytest
from httpx2 import Headers

from tests.conftest import World


@pytest.mark.parametrize("sent", ["a", "0", "abc-123", "A.b_c:d-9", "x" * 128, "0b3f7c1e-8d2a-4c55-9a53-1f0e6d2b7c94"])
def test_a_valid_request_id_is_used(world: World, sent: str) -> None:
    response = world.get("/fib?n=1", X_Request_ID=sent)

    assert response.headers["x-request-id"] == sent
    assert world.journal.records[0].request_id == sent


@pytest.mark.parametrize("sent", ["", " ", "x" * 129, "a b", "a\tb", "-a", "é", '"a"', "a;b", "a/b", "<script>", "{}"])
def test_any_other_id_is_replaced(world: World, sent: str) -> None:
    response = world.client.get(
        "/fib?n=1", headers=Headers({**world.bearer(), "X-Request-ID": sent}, encoding="latin-1")
    )

    made = response.headers["x-request-id"]
    assert uuid.UUID(made).version == 7
    assert world.journal.records[0].request_id == made


def test_generated_ids_are_unique_and_ordered(world: World) -> None:
    made = [world.client.get("/livez").headers["x-request-id"] for _ in range(20)]

    assert made == sorted(set(made))


@pytest.mark.parametrize(("method", "path"), [("GET", "/livez"), ("GET", "/nothing"), ("PUT", "/pow"), ("GET", "/pow")])
def test_every_response_has_a_request_id(world: World, method: str, path: str) -> None:
    assert world.client.request(method, path).headers["x-request-id"]


def test_while_draining_connections_are_closed(world: World) -> None:
    assert "connection" not in world.get("/fib?n=1").headers

    world.resources.draining = True

    for path in ("/fib?n=1", "/nothing", "/livez"):
        assert world.get(path).headers["connection"] == "close"
