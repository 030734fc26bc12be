"""A users file that changes while the service runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.support.server import Server, eventually

# Nothing listens there.
ISSUER = "{url: http://127.0.0.1:9, audience: mathops, grants: [{claim: sub, value: a, scopes: [math]}]}"


def line(user: str, password: str) -> str:
    return f"{user}:{PasswordHasher(1, 8, 1).hash(password)}:math\n"


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("users", "MATHOPS_USERS_FILE"),
        ("clients", "MATHOPS_CLIENTS_FILE"),
        ("issuers", "MATHOPS_ISSUERS_FILE"),
        ("keys", "MATHOPS_KEYS_FILE"),
    ],
)
def test_a_broken_file_is_shown_in_the_metrics_until_it_is_repaired(
    start_server: Callable[..., Server], tmp_path: Path, kind: str, variable: str, workers: str
) -> None:
    path = tmp_path / kind
    if kind != "keys":
        issuers = f"issuers: [{ISSUER}]\n"
        path.write_text(issuers if kind == "issuers" else line("alice", "first"))
    server = start_server(**{variable: str(path)}, MATHOPS_WORKERS=workers)
    # A broken file keeps a web worker from starting.
    eventually(lambda: server.log.read_text().count("Application startup complete") == int(workers), 30)
    valid = path.read_text()

    def invalid() -> float:
        return server.metric(f'mathops_file_invalid{{file="{kind}"}}')

    assert f'mathops_file_invalid{{file="{kind}"}} 0.0' in server.client.get("/metrics").text
    path.write_text("nonsense")
    eventually(lambda: invalid() == 1)
    # With two web workers it is 1 until both have read the repaired file.
    path.write_text(valid)
    eventually(lambda: invalid() == 0)


def test_a_changed_users_file_counts_and_a_broken_one_is_reported(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(line("alice", "first"))
    server = start_server(MATHOPS_USERS_FILE=str(users), MATHOPS_QUOTA_LOGIN="1000/minute")

    def log_in(user: str, password: str) -> int:
        return server.client.post("/login", json={"user": user, "password": password}).status_code

    def status() -> tuple[int, str, str]:
        answer = server.client.get("/readyz")
        return answer.status_code, answer.json()["status"], answer.json()["checks"]["users"]

    assert (log_in("alice", "first"), log_in("bob", "second")) == (200, 401)
    assert status() == (200, "ready", "ok")

    users.write_text(line("bob", "second"))
    eventually(lambda: log_in("bob", "second") == 200)
    assert log_in("alice", "first") == 401

    users.write_text("nonsense")
    eventually(lambda: status() == (200, "degraded", "invalid"))
    assert log_in("bob", "second") == 200


def test_a_web_worker_that_cannot_start_is_started_again_and_ends_no_other(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text(line("alice", "first"))
    server = start_server(MATHOPS_USERS_FILE=str(users), MATHOPS_WORKERS="2")
    eventually(lambda: server.log.read_text().count("Application startup complete") == 2, 30)
    users.write_text("nonsense")

    server.web_workers[0].kill()
    eventually(lambda: server.log.read_text().count("startup failed") == 2, 30)
    assert server.client.get("/livez", headers={"Connection": "close"}).status_code == 200

    users.write_text(line("alice", "first"))
    eventually(lambda: server.log.read_text().count("Application startup complete") == 3, 30)
    assert len(server.web_workers) == 2
