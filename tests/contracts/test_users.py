"""Contract of ports.Users."""

from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mathops.identity.scopes import DEFAULT_SCOPES
from mathops.identity.users import DemoUsers, UsersFile
from mathops.ports import Users

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


def demo(_: Path) -> Users:
    return DemoUsers()


def users_file(folder: Path) -> Users:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    (folder / "users").write_text(f"alice:{hasher.hash(PASSWORD)}:math history\n")
    return UsersFile(folder / "users")


PARTS: dict[str, Callable[[Path], Users]] = {"demo": demo, "users file": users_file}


@pytest.fixture(params=PARTS)
def users(request: pytest.FixtureRequest, tmp_path: Path) -> Users:
    return PARTS[request.param](tmp_path)


async def test_a_user_with_the_right_password_has_known_scopes(users: Users) -> None:
    assert await users.authenticate("alice", PASSWORD) == list(DEFAULT_SCOPES)


async def test_each_call_returns_a_list_of_its_own(users: Users) -> None:
    scopes = await users.authenticate("alice", PASSWORD)
    assert scopes is not None
    scopes.clear()

    assert await users.authenticate("alice", PASSWORD) == list(DEFAULT_SCOPES)


@pytest.mark.parametrize("password", [None, "", "wrong", "\ud800", "x" * 1024])
async def test_any_password_is_accepted_or_rejected_without_an_exception(users: Users, password: str | None) -> None:
    assert await users.authenticate("alice", password) in (None, list(DEFAULT_SCOPES))
