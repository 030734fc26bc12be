"""`mathops completion`, which asks bash for its version."""

import pytest

from tests.support.commands import run_command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_prints_the_script_of_a_shell(shell: str) -> None:
    result = run_command({}, "completion", shell)

    assert result.exit_code == 0
    assert f"_MATHOPS_COMPLETE={shell}_complete" in result.stdout
