"""Kept tokens without a service. tests/server/test_cli.py logs in to a running one."""

from pathlib import Path

import pytest

from mathops.cli.login import kept_tokens
from mathops.cli.login.kept_tokens import KeptToken
from tests.support.server import free_port
from tests.unit.cli.conftest import Run

TOKEN = KeptToken("alice", "a.b.c", 2e9)


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


def test_each_service_has_its_own_token(config_folder: Path) -> None:
    kept_tokens.save("http://one:5000", TOKEN)
    kept_tokens.save("http://one:5000/prefix", KeptToken("bob", "d.e.f", 2e9))

    assert kept_tokens.load("http://one:5000/") == kept_tokens.load("http://user:word@ONE:5000") == TOKEN
    assert kept_tokens.load("https://one:5000") is None
    assert kept_tokens.load("http://one:5001") is None
    kept_tokens.delete("http://one:5000")
    assert kept_tokens.load("http://one:5000") is None
    assert kept_tokens.load("http://one:5000/prefix") == KeptToken("bob", "d.e.f", 2e9)


def test_a_kept_token_is_readable_by_its_owner_only(config_folder: Path) -> None:
    kept_tokens.save("http://user:word@one", TOKEN)
    kept_tokens.save("http://user:word@one", TOKEN)

    [path] = (config_folder / "mathops" / "tokens").glob("*.json")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "word" not in str(path) + path.read_text()


def test_without_the_variable_the_folder_is_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")

    assert kept_tokens.path_of("http://one").is_relative_to(tmp_path / ".config" / "mathops")


@pytest.mark.parametrize("command", [("login", "--user", "alice"), ("logout",)])
def test_without_a_url_the_command_is_a_usage_error(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command)

    assert result.exit_code == 2
    assert result.stderr.endswith("Error: --url or MATHOPS_URL is required\n")


def test_a_failed_logout_keeps_the_token(run: Run, config_folder: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    kept_tokens.save(url, TOKEN)

    result = run("logout", "--url", url, XDG_CONFIG_HOME=str(config_folder))

    assert result.exit_code == 1
    assert "Connection refused" in result.stderr
    assert kept_tokens.load(url) == TOKEN


def test_an_invalid_file_is_reported_in_one_line(run: Run, config_folder: Path) -> None:
    kept_tokens.save("http://one", TOKEN)
    path = kept_tokens.path_of("http://one")
    path.write_text("{")

    result = run("history", "--url", "http://one", XDG_CONFIG_HOME=str(config_folder))

    assert result.exit_code == 1
    assert result.stderr == f"Error: {path} is invalid; run mathops login --url http://one\n"
