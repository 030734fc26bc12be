from pathlib import Path

import pytest

from mathops.identity.users import UsersFile
from tests.unit.cli.conftest import Run


@pytest.mark.anyio
async def test_the_printed_line_lets_the_user_in(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(run("users", "hash", "bob", "--scope", "math", stdin="s:e cret\n").stdout)
    users = UsersFile(file)

    assert await users.scopes("bob", "s:e cret") == ["math"]
    assert await users.scopes("bob", "other") is None


def test_all_scopes_are_given_by_default(run: Run) -> None:
    line = run("users", "hash", "bob", stdin="secret\n").stdout

    assert line.startswith("bob:$argon2id$")
    assert line.endswith(":math history\n")


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_a_password_that_the_service_would_not_read_is_refused(run: Run, password: str) -> None:
    result = run("users", "hash", "bob", stdin=password + "\n")

    assert result.exit_code == 1
    assert result.stderr == "Error: a password has 1 to 1024 characters\n"


def test_a_name_that_cannot_log_in_is_refused(run: Run) -> None:
    assert run("users", "hash", "b:ob", stdin="secret\n").exit_code == 2
