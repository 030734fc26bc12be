"""The service with a real Redis: replicas share state, and Redis failures do not reach clients."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.integration.services.containers import Container
from tests.support.proxy import FaultProxy, Mode
from tests.support.server import Server, eventually

Start = Callable[..., Server]
Command = Callable[..., str]


def url(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def start_two(tmp_path: Path, redis_container: Container, redis: Command) -> Iterator[Callable[..., list[Server]]]:
    """Start two servers with the same keys and Redis, like two pods."""
    servers = []

    def start(**variables: str) -> list[Server]:
        shared = {
            "MATHOPS_KEYS_FILE": str(tmp_path / "keys.json"),
            "MATHOPS_REDIS_URL": url(redis_container.port(6379)),
        }
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            servers.append(Server(tmp_path / name, {**shared, **variables}).start())
        return servers

    yield start
    for server in servers:
        server.kill()


def test_replicas_share_cached_results_that_expire(start_two: Callable[..., list[Server]], redis: Command) -> None:
    one, two = start_two(MATHOPS_CACHE_TTL_SECONDS="60")
    headers = one.login()

    first = one.client.get("/pow?base=3&exp=7", headers=headers)
    second = two.client.get("/pow?base=3&exp=7", headers=headers)

    assert first.headers["Cache-Status"] == "mathops; fwd=miss"
    assert second.headers["Cache-Status"] == "mathops; hit"
    assert first.content == second.content
    assert 0 < int(redis("ttl", redis("keys", "*pow*"))) <= 60
    assert two.client.get("/readyz").json()["checks"]["cache"] == "ok"


def test_replicas_share_one_quota(start_two: Callable[..., list[Server]]) -> None:
    one, two = start_two(MATHOPS_QUOTA_REQUESTS="3/hour")
    headers = one.login()

    statuses = [server.client.get("/pow?base=2&exp=5", headers=headers).status_code for server in (one, two, one, two)]

    assert statuses == [200, 200, 200, 429]


FAULTS = ["refuse", "hang", "garble", "slow", "full", "down at start"]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_request_fails_and_few_wait_while_redis_fails(
    start_server: Start, redis_proxy: FaultProxy, redis: Command, fault: str
) -> None:
    if fault == "down at start":
        redis_proxy.set("refuse")
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port), MATHOPS_QUOTA_REQUESTS="100000/minute")
    headers = server.login()
    before = [request_seconds(server, headers, number) for number in range(300)]

    if fault == "slow":
        redis_proxy.delay = 0.06
    elif fault == "full":
        redis("config", "set", "maxmemory", "1")
    elif fault in ("refuse", "hang", "garble"):
        redis_proxy.set(cast("Mode", fault))
    during = [request_seconds(server, headers, number) for number in range(300, 1300)]

    # The Redis timeout is 0.1 s. If each request waited for it, p90 would rise by as much.
    added = percentile(during, 0.9) - percentile(before, 0.9)
    assert added < 0.05, f"p90 rose by {added * 1000:.1f} ms"
    assert server.client.get("/readyz").status_code == 200
    ready = server.client.get("/readyz").json()
    assert ready["status"] == "degraded", ready
    assert "mathops_cache_errors_total{" in server.client.get("/metrics").text


def test_a_redis_that_fails_without_requests_is_reported(start_server: Start, redis_proxy: FaultProxy) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port))
    assert server.client.get("/readyz").json()["status"] == "ready"

    redis_proxy.set("refuse")
    redis_proxy.cut()

    eventually(lambda: server.client.get("/readyz").json()["checks"]["cache"] == "connection", 15)
    assert server.client.get("/readyz").status_code == 200


def test_a_redis_that_became_a_replica_is_not_used_until_it_is_a_master_again(
    start_server: Start, redis_container: Container, redis: Command
) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_container.port(6379)), MATHOPS_QUOTA_REQUESTS="1000000/minute")
    headers = server.login()
    is_open = 'mathops_circuit_breaker_open{dependency="rate_limits"}'
    redis("replicaof", "127.0.0.1", "1")
    try:
        for number in range(20):
            request_seconds(server, headers, number)
        assert server.metric(is_open) == 1
        # A breaker that a PING closes would close within a second.
        time.sleep(3)
        assert "circuit breaker closed" not in server.log.read_text()
    finally:
        redis("replicaof", "no", "one")

    eventually(lambda: server.metric(is_open) == 0)


@pytest.mark.parametrize("fault", ["refuse", "hang", "garble"])
def test_redis_is_used_again_after_it_recovers(start_server: Start, redis_proxy: FaultProxy, fault: Mode) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port))
    headers = server.login()
    redis_proxy.set(fault)
    for number in range(20):
        request_seconds(server, headers, number)
    assert server.client.get("/readyz").json()["checks"]["cache"] != "ok"

    redis_proxy.set("pass")
    redis_proxy.cut()

    eventually(lambda: server.metric('mathops_circuit_breaker_open{dependency="cache"}') == 0, 10)
    eventually(lambda: server.client.get("/readyz").json()["status"] == "ready", 20)


def test_logout_works_without_redis(start_server: Start, redis_proxy: FaultProxy) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port))
    headers = server.login()
    redis_proxy.set("refuse")

    assert server.client.post("/logout", headers=headers).status_code == 204
    assert server.client.get("/pow?base=2&exp=5", headers=headers).status_code == 401


def request_seconds(server: Server, headers: dict[str, str], number: int) -> float:
    """Seconds of one request, whose response must be correct."""
    started = time.perf_counter()
    answer = server.client.get(f"/pow?base={number}&exp=3", headers=headers)
    seconds = time.perf_counter() - started
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"] == str(number**3)
    return seconds


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]
