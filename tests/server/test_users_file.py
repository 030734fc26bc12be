"""A users file that changes while the service runs."""

from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher

from tests.support.server import Server, eventually


def line(user: str, password: str) -> str:
    return f"{user}:{PasswordHasher(1, 8, 1).hash(password)}:math\n"


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
