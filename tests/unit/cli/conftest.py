"""The command line with its data in a folder of the test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import Result

from tests.support.commands import run_command

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathops.identity.users.PasswordHasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, operations: Any = None, stdin: str | None = None, **variables: str) -> Result:
        chosen = {"operations": operations} if operations else {}
        return run_command({"MATHOPS_DATA_DIR": str(tmp_path), **variables}, *arguments, stdin=stdin, **chosen)

    return run
