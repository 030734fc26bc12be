"""Users of a users file, and of the demo."""

import asyncio
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from mathops.errors import StartupError
from mathops.identity.users import DemoUsers, UsersFile

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
HASH = CHEAP.hash("correct horse", salt=b"salt" * 4)

pytestmark = pytest.mark.anyio


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# comment\n\nalice:{HASH}:math history\n  bob:{HASH}:math  \ncarol:{HASH}:\ndave:{HASH}\n")
    return path


async def test_the_right_password_returns_the_scopes_of_the_line(file: Path) -> None:
    users = UsersFile(file)

    assert await users.authenticate("alice", "correct horse") == ["math", "history"]
    assert await users.authenticate("bob", "correct horse") == ["math"]


@pytest.mark.parametrize("name", ["carol", "dave"])
async def test_a_line_without_scopes_grants_all(file: Path, name: str) -> None:
    assert await UsersFile(file).authenticate(name, "correct horse") == ["math", "history"]


@pytest.mark.parametrize("password", ["wrong", "", None, "correct horse ", "\ud800", "x" * 1024, "\x00"])
async def test_a_wrong_password_returns_none(file: Path, password: str | None) -> None:
    assert await UsersFile(file).authenticate("alice", password) is None


@pytest.mark.parametrize("password", ["correct horse", "password", ""])
async def test_an_unknown_user_returns_none(file: Path, password: str) -> None:
    assert await UsersFile(file).authenticate("mallory", password) is None


@pytest.mark.parametrize(
    "impossible",
    [
        "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=99999999999999999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=64,t=1,p=1$a$b",
    ],
)
@pytest.mark.parametrize("name", ["alice", "mallory"])
async def test_an_invalid_hash_matches_no_password(tmp_path: Path, impossible: str, name: str) -> None:
    (tmp_path / "users").write_text(f"alice:{impossible}:math\n")

    assert await UsersFile(tmp_path / "users").authenticate(name, "password") is None


async def test_a_non_ascii_password_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "users").write_text(f"alice:{CHEAP.hash('pässwörd ١٢')}:math\n")

    assert await UsersFile(tmp_path / "users").authenticate("alice", "pässwörd ١٢") == ["math"]


async def test_password_checks_do_not_block_the_event_loop(tmp_path: Path) -> None:
    slow = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
    (tmp_path / "users").write_text(f"alice:{slow.hash('secret')}:math\n")
    users = UsersFile(tmp_path / "users")
    check = asyncio.ensure_future(users.authenticate("alice", "secret"))
    turns = 0
    while not check.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert check.result() == ["math"]
    assert turns > 5


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        "alice:secret:math",
        "alice::math",
        f":{HASH}:math",
        f"al ice:{HASH}:math",
        f"{'a' * 65}:{HASH}:math",
        f"alice:{HASH}:math admin",
        "alice:$argon2id$:math",
        "alice:$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ:math",
        "alice:$argon2id$v=19$m=64,t=1,p=1$!!!$???:math",
        f"alice:{HASH.replace('argon2id', 'argon2i')}:math",
        f"alice:{HASH.replace('m=64', 'm=x')}:math",
        f"alice:{HASH}é:math",
        "alice:$2b$12$abcdefghijklmnopqrstuv:math",
        f"bob:{HASH}:math",
    ],
)
def test_an_invalid_line_is_a_startup_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "users"
    path.write_text(f"bob:{HASH}:math\n{line}\n")

    with pytest.raises(StartupError, match="line 2"):
        UsersFile(path)


@pytest.mark.parametrize("content", [b"", b"# comment\n\n", b"\xff\xfe"])
def test_a_file_without_users_is_a_startup_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "users").write_bytes(content)

    with pytest.raises(StartupError, match="users"):
        UsersFile(tmp_path / "users")


def test_a_missing_file_is_a_startup_error(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be read"):
        UsersFile(tmp_path / "users")


async def test_a_password_that_was_right_before_is_not_hashed_again(file: Path) -> None:
    users = UsersFile(file)
    await users.authenticate("alice", "correct horse")

    # Every place for a check is taken.
    async with users._checks, users._checks:
        assert await asyncio.wait_for(users.authenticate("alice", "correct horse"), 1) == ["math", "history"]
        for name, password in (("bob", "correct horse"), ("alice", "wrong"), ("mallory", "correct horse")):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(users.authenticate(name, password), 0.01)


async def test_a_replaced_password_is_rejected_after_it_was_right(file: Path) -> None:
    users = UsersFile(file, reload_seconds=0)
    assert await users.authenticate("alice", "correct horse") == ["math", "history"]
    new = file.with_name("new")
    new.write_text(f"alice:{CHEAP.hash('battery staple')}:math\n")
    new.replace(file)

    assert await users.authenticate("alice", "correct horse") is None
    assert await users.authenticate("alice", "battery staple") == ["math"]
    assert await users.authenticate("alice", "correct horse") is None


async def test_the_demo_accepts_any_name() -> None:
    assert await DemoUsers().authenticate("mallory", None) == ["math", "history"]


async def test_a_changed_file_is_read_again(file: Path) -> None:
    users = UsersFile(file, reload_seconds=0)
    new = file.with_name("new")
    new.write_text(f"erin:{HASH}:math\n")

    new.replace(file)

    assert await users.authenticate("erin", "correct horse") == ["math"]
    assert await users.authenticate("alice", "correct horse") is None


async def test_a_mounted_secret_is_read_again_after_its_link_has_changed(file: Path) -> None:
    # As kubelet does it: users -> ..data/users, ..data -> a folder with the time of the change.
    folder = file.parent / "mounted"
    for name, user in (("first", "alice"), ("second", "erin")):
        (folder / name).mkdir(parents=True)
        (folder / name / "users").write_text(f"{user}:{HASH}:math\n")
    (folder / "..data").symlink_to("first")
    (folder / "users").symlink_to("..data/users")
    users = UsersFile(folder / "users", reload_seconds=0)
    assert await users.authenticate("erin", "correct horse") is None

    (folder / "..new").symlink_to("second")
    (folder / "..new").replace(folder / "..data")

    assert await users.authenticate("erin", "correct horse") == ["math"]


def replace(file: Path, content: str | None) -> None:
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_text(content)


@pytest.mark.parametrize("broken", ["nonsense", "", None])
async def test_an_invalid_file_keeps_the_users_and_is_logged_once(file: Path, broken: str | None) -> None:
    users = UsersFile(file, reload_seconds=0)
    replace(file, broken)

    with capture_logs() as lines:
        for _ in range(3):
            assert await users.authenticate("alice", "correct horse") == ["math", "history"]

    assert [line["event"] for line in lines] == ["file is invalid, keeping its last content"]
    assert HASH not in repr(lines)
    assert users.state() == "invalid"


async def test_each_change_of_an_invalid_file_is_logged_and_so_is_its_repair(file: Path) -> None:
    users = UsersFile(file, reload_seconds=0)

    with capture_logs() as lines:
        for content in ("nonsense", f"alice:{HASH}\nnonsense\n", f"alice:{HASH}:math\n"):
            replace(file, content)
            users.state()

    assert ["line 1" in lines[0]["error"], "line 2" in lines[1]["error"]] == [True, True]
    assert lines[2]["event"] == "file read again after a change"
    assert users.state() == "ok"
    assert await users.authenticate("alice", "correct horse") == ["math"]
