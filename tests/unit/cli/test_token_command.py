import json
from pathlib import Path

import pytest

from mathops.identity import keys
from mathops.identity.tokens import Tokens
from mathops.settings import Settings
from tests.unit.cli.conftest import Run


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    settings = Settings(data_dir=tmp_path)
    keys.ensure(settings.keys_path)
    return Tokens(keys.Keys(settings.keys_path), settings)


def test_a_token_made_here_is_one_that_the_service_accepts(run: Run, tokens: Tokens) -> None:
    principal = tokens.verify(run("token", "alice").stdout.strip())

    assert (principal.user, principal.scopes) == ("alice", {"math", "history"})


def test_scopes_can_be_chosen(run: Run, tokens: Tokens) -> None:
    assert tokens.verify(run("token", "alice", "--scope", "math").stdout.strip()).scopes == {"math"}


def test_json_is_the_answer_of_a_login(run: Run, tokens: Tokens) -> None:
    answer = json.loads(run("token", "alice", "--json", MATHOPS_TOKEN_LIFETIME_SECONDS="60").stdout)

    assert set(answer) == {"access_token", "token_type", "expires_in", "scope", "token"}
    assert (answer["expires_in"], answer["scope"]) == (60, "math history")


@pytest.mark.parametrize(
    "arguments",
    [
        ("a b",),
        ("alice", "--scope", "root"),
        ("alice", "--password"),
        ("alice", "--scope", "math", "--url", "http://localhost"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(run: Run, arguments: tuple[str, ...], tokens: Tokens) -> None:
    assert run("token", *arguments).exit_code == 2
