import pytest

from tests.unit.cli.conftest import Run

COMMANDS = ("completion", "config", "db", "fact", "fib", "history", "keys", "pow", "serve", "token", "users")


def test_help_lists_every_command(run: Run) -> None:
    text = run("--help").output

    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "\n  factorial " not in text


@pytest.mark.parametrize("arguments", [("nothing",), ("pow", "2"), ("pow", "2", "3", "4"), ("pow", "2", "3", "--jsn")])
def test_a_command_that_is_not_understood_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


@pytest.mark.parametrize("command", [("config",), ("history",), ("db", "check"), ("keys", "list"), ("token", "alice")])
def test_a_misspelled_setting_is_one_line_and_exit_code_1(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, MATHOPS_WORKRS="2")

    assert result.exit_code == 1
    assert result.stderr == "Error: MATHOPS_WORKRS is not a setting; did you mean MATHOPS_WORKERS?\n"


@pytest.mark.parametrize("arguments", [("--help",), ("pow", "2", "3")])
def test_what_needs_no_setting_works_in_spite_of_a_misspelled_one(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, MATHOPS_WORKRS="2").exit_code == 0
