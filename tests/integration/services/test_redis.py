"""The service with a real Redis: what it shares, and that no fault of it reaches a caller."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.services.containers import Container
from tests.process import Server, eventually
from tests.proxy import FaultProxy

Start = Callable[..., Server]
Command = Callable[..., str]


def url(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def replica(tmp_path: Path) -> Callable[[str, dict[str, str]], Server]:
    """Another server with the same keys, as a second pod has."""

    def start(name: str, variables: dict[str, str]) -> Server:
        folder = tmp_path / name
        folder.mkdir()
        return Server(folder, {"MATHOPS_KEYS_FILE": str(tmp_path / "keys.json"), **variables})

    return start


def test_a_second_replica_finds_what_the_first_computed_and_keys_end_by_themselves(
    redis_container: Container, redis: Command, replica: Callable[[str, dict[str, str]], Server]
) -> None:
    variables = {"MATHOPS_REDIS_URL": url(redis_container.port(6379)), "MATHOPS_CACHE_TTL_SECONDS": "60"}
    servers = [replica(name, variables) for name in ("one", "two")]
    try:
        one, two = (server.start() for server in servers)
        headers = one.login()

        first = one.client.get("/pow?base=3&exp=7", headers=headers)
        second = two.client.get("/pow?base=3&exp=7", headers=headers)

        assert first.headers["Cache-Status"] == "mathops; fwd=miss"
        assert second.headers["Cache-Status"] == "mathops; hit"
        assert first.content == second.content
        assert 0 < int(redis("ttl", redis("keys", "*pow*"))) <= 60
        assert two.client.get("/readyz").json()["checks"]["cache"] == "ok"
    finally:
        for server in servers:
            server.kill()


def test_a_token_that_was_ended_at_one_replica_is_refused_by_the_other(
    redis_container: Container, redis: Command, replica: Callable[[str, dict[str, str]], Server]
) -> None:
    variables = {"MATHOPS_REDIS_URL": url(redis_container.port(6379)), "MATHOPS_REVOCATION": "closed"}
    servers = [replica(name, variables) for name in ("one", "two")]
    try:
        one, two = (server.start() for server in servers)
        headers = one.login()
        assert two.client.get("/history", headers=headers).status_code == 200

        assert one.client.post("/logout", headers=headers).status_code == 204

        assert two.client.get("/history", headers=headers).status_code == 401
    finally:
        for server in servers:
            server.kill()


def test_replicas_count_one_quota_together(
    redis_container: Container, redis: Command, replica: Callable[[str, dict[str, str]], Server]
) -> None:
    variables = {"MATHOPS_REDIS_URL": url(redis_container.port(6379)), "MATHOPS_QUOTA_REQUESTS": "3/hour"}
    servers = [replica(name, variables) for name in ("one", "two")]
    try:
        one, two = (server.start() for server in servers)
        headers = one.login()

        statuses = [
            server.client.get("/pow?base=2&exp=5", headers=headers).status_code for server in (one, two, one, two)
        ]

        assert statuses == [200, 200, 200, 429]
    finally:
        for server in servers:
            server.kill()


FAULTS = ["refuse", "hang", "garble", "slow", "full", "away at start"]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_request_fails_and_few_wait_while_redis_has_a_fault(
    start_server: Start, redis_proxy: FaultProxy, redis: Command, fault: str
) -> None:
    if fault == "away at start":
        redis_proxy.set("refuse")
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port), MATHOPS_QUOTA_REQUESTS="100000/minute")
    headers = server.login()
    before = [ask(server, headers, number) for number in range(300)]

    if fault == "slow":
        redis_proxy.delay = 0.06
    elif fault == "full":
        redis("config", "set", "maxmemory", "1")
    elif fault in ("refuse", "hang", "garble"):
        redis_proxy.set(fault)
    during = [ask(server, headers, number) for number in range(300, 1300)]

    # A time limit is 0.1 s: whoever waited for one at each request would be seen in most of them.
    added = percentile(during, 0.9) - percentile(before, 0.9)
    assert added < 0.05, f"p90 rose by {added * 1000:.1f} ms"
    assert server.client.get("/readyz").status_code == 200
    ready = server.client.get("/readyz").json()
    assert ready["status"] == "degraded", ready
    assert "mathops_cache_errors_total{" in server.client.get("/metrics").text


@pytest.mark.parametrize("fault", ["refuse", "hang", "garble"])
def test_redis_is_used_again_once_it_is_well(start_server: Start, redis_proxy: FaultProxy, fault: str) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port))
    headers = server.login()
    redis_proxy.set(fault)
    for number in range(20):
        ask(server, headers, number)
    assert server.client.get("/readyz").json()["checks"]["cache"] != "ok"

    redis_proxy.set("pass")
    redis_proxy.cut()

    eventually(lambda: server.metric('mathops_breaker_open{helper="cache"}') == 0, 10)
    eventually(lambda: server.client.get("/readyz").json()["status"] == "ready", 20)


@pytest.mark.parametrize(("mode", "status"), [("closed", 503), ("open", 200)])
def test_without_redis_revocation_refuses_or_accepts_as_it_is_set(
    start_server: Start, redis_proxy: FaultProxy, mode: str, status: int
) -> None:
    server = start_server(MATHOPS_REDIS_URL=url(redis_proxy.port), MATHOPS_REVOCATION=mode)
    headers = server.login()
    assert server.client.get("/pow?base=2&exp=5", headers=headers).status_code == 200

    redis_proxy.set("refuse")

    assert server.client.get("/pow?base=2&exp=5", headers=headers).status_code == status
    assert server.client.post("/logout", headers=headers).status_code == 503


def test_a_redis_with_users_and_passwords_is_used_and_a_wrong_password_only_degrades(
    start_server: Start, redis_container: Container, redis: Command
) -> None:
    redis("acl", "setuser", "mathops", "on", ">s3cret", "~mathops:*", "+@all")
    try:
        port = redis_container.port(6379)
        right = start_server(MATHOPS_REDIS_URL=f"redis://mathops:s3cret@127.0.0.1:{port}/0")
        right.client.get("/pow?base=2&exp=5", headers=right.login())
        assert right.client.get("/readyz").json()["status"] == "ready"
        assert redis("keys", "*pow*")
        right.kill()

        wrong = start_server(MATHOPS_REDIS_URL=f"redis://mathops:wr0ng@127.0.0.1:{port}/0")
        assert wrong.client.get("/pow?base=2&exp=6", headers=wrong.login()).status_code == 200
        assert "wr0ng" not in wrong.client.get("/readyz").text + wrong.log.read_text()
        assert wrong.client.get("/readyz").json()["checks"]["cache"].startswith("refused")
    finally:
        redis("acl", "deluser", "mathops")


def ask(server: Server, headers: dict[str, str], number: int) -> float:
    """Seconds of one request, whose answer must be right."""
    started = time.perf_counter()
    answer = server.client.get(f"/pow?base={number}&exp=3", headers=headers)
    seconds = time.perf_counter() - started
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"] == str(number**3)
    return seconds


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]
