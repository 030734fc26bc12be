import json
import re
import time
from pathlib import Path

import pytest

from mathops.identity import keys
from mathops.settings import Settings
from tests.unit.cli.conftest import Run


def test_a_missing_keys_file_is_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    for arguments in (("keys", "list"), ("keys", "rotate"), ("keys", "prune"), ("token", "alice")):
        result = run(*arguments)

        assert result.exit_code == 1
        assert result.stderr == f"Error: keys file {tmp_path / 'keys.json'} does not exist; mathops serve creates it\n"
    assert list(tmp_path.iterdir()) == []


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
    assert run("keys", "prune", "--force").stdout == first["kid"] + "\n"
    assert json.loads(run("keys", "list", "--json").stdout) == [{"kid": second, "use": "signs"}]


def test_pruning_keeps_at_least_one_key(run: Run) -> None:
    assert run("keys", "prune", "--keep", "0").exit_code == 2


def test_pruning_waits_until_the_tokens_of_the_removed_keys_have_expired(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.json"
    keys.ensure(path)
    first, second = json.loads(run("keys", "list", "--json").stdout)[0]["kid"], run("keys", "rotate").stdout.strip()

    refused = run("keys", "prune")
    lifetime = Settings().token_lifetime_seconds + Settings().token_leeway_seconds
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + lifetime + 1)
    pruned = run("keys", "prune")

    assert refused.exit_code == 1
    assert re.fullmatch(r"Error: tokens of the older keys are valid for up to 36\d\d s; .*--force\n", refused.stderr)
    assert pruned.stdout == f"{first}\n"
    assert [key["kid"] for key in json.loads(run("keys", "list", "--json").stdout)] == [second]


def test_pruning_without_times_of_creation_requires_force(run: Run, tmp_path: Path) -> None:
    # Keys of an earlier release.
    path = tmp_path / "keys.json"
    keys.ensure(path)
    keys.rotate(path)
    document = json.loads(path.read_text())
    for key in document["keys"]:
        del key["iat"]
    path.write_text(json.dumps(document))

    assert "no time of creation" in run("keys", "prune").stderr
    assert run("keys", "prune", "--force").exit_code == 0
