import json
from pathlib import Path

import pytest

from mathops.identity import keys
from mathops.identity.tokens import Tokens
from mathops.identity.users import UsersFile
from mathops.settings import Settings
from tests.unit.cli.conftest import Run


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    settings = Settings(data_dir=tmp_path)
    keys.ensure(settings.keys_path)
    return Tokens(keys.Keys(settings.keys_path), settings)


def test_a_local_token_is_valid_and_has_all_scopes(run: Run, tokens: Tokens) -> None:
    principal = tokens.verify(run("token", "alice").stdout.strip())

    assert (principal.user, principal.scopes) == ("alice", frozenset({"math", "history"}))


def test_scope_selects_the_scopes(run: Run, tokens: Tokens) -> None:
    assert tokens.verify(run("token", "alice", "--scope", "math").stdout.strip()).scopes == {"math"}


def test_json_output_equals_the_login_response(run: Run, tokens: Tokens) -> None:
    response = json.loads(run("token", "alice", "--json", MATHOPS_TOKEN_LIFETIME_SECONDS="60").stdout)

    assert set(response) == {"access_token", "token_type", "expires_in", "scope", "token"}
    assert (response["expires_in"], response["scope"]) == (60, "math history")


@pytest.mark.parametrize(
    "arguments",
    [
        ("a b",),
        ("alice", "--scope", "root"),
        ("alice", "--password"),
        ("alice", "--scope", "math", "--url", "http://localhost"),
    ],
)
def test_contradictory_or_invalid_options_are_usage_errors(
    run: Run, arguments: tuple[str, ...], tokens: Tokens
) -> None:
    assert run("token", *arguments).exit_code == 2


@pytest.mark.anyio
async def test_the_printed_line_is_valid_in_a_users_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(run("users", "hash", "bob", "--scope", "math", stdin="s:e cret\n").stdout)
    loaded = UsersFile(file)

    assert await loaded.authenticate("bob", "s:e cret") == ["math"]
    assert await loaded.authenticate("bob", "other") is None


def test_a_line_has_all_scopes_by_default(run: Run) -> None:
    line = run("users", "hash", "bob", stdin="secret\n").stdout

    assert line.startswith("bob:$argon2id$")
    assert line.endswith(":math history\n")


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_a_password_of_invalid_length_is_rejected(run: Run, password: str) -> None:
    result = run("users", "hash", "bob", stdin=password + "\n")

    assert result.exit_code == 1
    assert result.stderr == "Error: a password has 1 to 1024 characters\n"


def test_an_invalid_user_name_is_a_usage_error(run: Run) -> None:
    assert run("users", "hash", "b:ob", stdin="secret\n").exit_code == 2
