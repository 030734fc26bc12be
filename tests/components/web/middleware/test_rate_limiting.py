"""Quota headers, and rejection of callers without remaining quota."""

from collections.abc import Callable

import pytest

from tests.components.web.responses import assert_problem
from tests.conftest import World


@pytest.fixture
def scarce(make_world: Callable[..., World]) -> World:
    return make_world(limits={"requests": 3}, quota_requests="3/minute")


def test_the_remaining_quota_is_sent(scarce: World) -> None:
    headers = [scarce.get("/fib?n=1").headers for _ in range(2)]

    assert [header["ratelimit"] for header in headers] == ['"requests";r=2;t=60', '"requests";r=1;t=60']
    assert headers[0]["ratelimit-policy"] == '"requests";q=3;w=60'


def test_an_exhausted_quota_rejects_with_retry_after(scarce: World) -> None:
    for _ in range(3):
        assert scarce.get("/fib?n=1").status_code == 200
    computed = len(scarce.cache.entries)

    response = scarce.get("/fib?n=2")

    document = assert_problem(response, 429, "quota-exceeded")
    assert response.headers["retry-after"] == "60"
    assert response.headers["ratelimit"] == '"requests";r=0;t=60'
    assert document["violated-policies"] == ["requests"]
    assert "3 requests in 60 s" in document["detail"]
    assert len(scarce.cache.entries) == computed
    assert scarce.journal.records[-1].problem == "quota-exceeded"


def test_each_user_has_a_quota_of_their_own(scarce: World) -> None:
    for _ in range(4):
        scarce.get("/fib?n=1")

    assert scarce.client.get("/fib?n=1", headers=scarce.bearer("bob")).status_code == 200


def test_history_counts_and_probes_do_not(scarce: World) -> None:
    assert "ratelimit" in scarce.get("/history").headers
    assert "ratelimit" not in scarce.get("/livez").headers


def test_a_token_can_be_revoked_without_remaining_quota(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"requests": 1}, quota_requests="1/minute")
    bearer = world.bearer()
    for status in (200, 429):
        assert world.client.get("/fib?n=1", headers=bearer).status_code == status

    response = world.client.post("/logout", headers=bearer)

    assert response.status_code == 204
    assert "ratelimit" not in response.headers
    assert world.client.get("/fib?n=1", headers=bearer).status_code == 401


def test_without_a_quota_no_headers_are_sent(world: World) -> None:
    assert "ratelimit" not in world.get("/fib?n=1").headers


def test_computing_has_a_quota_in_predicted_time(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"compute": 20})

    assert world.get("/pow?base=10&exp=80000").status_code == 200
    assert world.rate_limiter.charged == {("compute", "alice"): 10}
    assert world.get("/pow?base=10&exp=80001").status_code == 200
    response = world.get("/pow?base=10&exp=80002")

    document = assert_problem(response, 429, "quota-exceeded")
    assert document["violated-policies"] == ["compute"]
    assert "20 ms of computing in 60 s" in document["detail"]
    assert response.headers["retry-after"] == "60"
    assert world.compute.computed == 2


def test_cached_and_small_results_are_not_charged(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"compute": 10})
    world.get("/pow?base=10&exp=80000")
    spent = dict(world.rate_limiter.charged)

    assert world.get("/pow?base=10&exp=80000").status_code == 200
    assert world.get("/fib?n=10").status_code == 200
    assert world.rate_limiter.charged == spent
