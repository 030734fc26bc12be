import json
from pathlib import Path

from mathops.identity import keys
from tests.unit.cli.conftest import Run


def test_a_missing_keys_file_is_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    for arguments in (("keys", "list"), ("keys", "rotate"), ("keys", "prune"), ("token", "alice")):
        result = run(*arguments)

        assert result.exit_code == 1
        assert result.stderr == f"Error: keys file {tmp_path / 'keys.json'} does not exist; mathops serve creates it\n"


def test_a_rotated_key_signs_and_pruning_removes_the_older_one(run: Run, tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys.json")
    (first,) = json.loads(run("keys", "list", "--json").stdout)

    second = run("keys", "rotate").stdout.strip()

    assert first["use"] == "signs"
    assert [line.split() for line in run("keys", "list").stdout.splitlines()] == [
        ["KEY", "ID", "USE"],
        [first["kid"], "verifies"],
        [second, "signs"],
    ]
    assert run("keys", "prune", "--keep", "2").stdout == ""
    assert run("keys", "prune").stdout == first["kid"] + "\n"
    assert json.loads(run("keys", "list", "--json").stdout) == [{"kid": second, "use": "signs"}]


def test_pruning_keeps_at_least_one_key(run: Run) -> None:
    assert run("keys", "prune", "--keep", "0").exit_code == 2
