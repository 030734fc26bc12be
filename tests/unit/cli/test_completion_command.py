import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(run: Run, shell: str) -> None:
    result = run("completion", shell)

    assert result.exit_code == 0
    assert f"_MATHOPS_COMPLETE={shell}_complete" in result.stdout


def test_the_script_s_question_is_answered_with_commands(run: Run) -> None:
    asked = run(_MATHOPS_COMPLETE="bash_complete", COMP_WORDS="mathops key", COMP_CWORD="1")

    assert asked.stdout == "plain,keys\n"
