"""The first screen of README.md works as printed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.server import Server

README = Path(__file__).parents[2] / "README.md"
FIRST_SCREEN = README.read_text().partition("\n## ")[0]


def shell_blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", FIRST_SCREEN, re.DOTALL)


def test_the_first_screen_shows_two_targets_and_one_session() -> None:
    targets, session = shell_blocks()

    assert FIRST_SCREEN.startswith("# mathops\n\nmathops ")
    assert [line.partition("  #")[0].rstrip() for line in targets.splitlines()] == ["make run", "make test"]
    assert session.count("curl ") == 3
    assert "```mermaid" in FIRST_SCREEN


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_session_of_the_readme_gives_a_result_and_a_committed_row(server: Server) -> None:
    session = shell_blocks()[1].replace("http://localhost:5000", f"http://127.0.0.1:{server.port}")

    shell = subprocess.run(["sh", "-euc", session], capture_output=True, text=True, timeout=30, check=True)

    result, end = json.JSONDecoder().raw_decode(shell.stdout)
    history = json.loads(shell.stdout[end:])
    assert result == {"operation": "pow", "parameters": {"base": "2", "exp": "5"}, "result": "32", "digits": 2}
    assert [(record["operation"], record["result"]) for record in history["records"]] == [("pow", "32")]
    assert server.rows("user, operation, result, status") == [("alice", "pow", "32", 200)]


def test_sigterm_ends_with_exit_code_0(server: Server) -> None:
    assert server.stop() == 0
