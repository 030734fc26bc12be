import click
import pytest

from mathops.cli import commands
from tests.unit.cli.conftest import Run

COMMANDS = (
    *(
        "clients",
        "completion",
        "config",
        "db",
        "events",
        "fact",
        "fib",
        "history",
        "keys",
        "login",
        "logout",
        "pow",
        "serve",
    ),
    *("token", "top", "users"),
)
GROUPS = [commands(), *(command for command in commands().commands.values() if isinstance(command, click.Group))]
# click leaves two of 80 columns free, except in its test runner.
WIDTH = 78


def test_help_lists_every_command(run: Run) -> None:
    text = run("--help").output

    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "\n  factorial " not in text


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_help_shows_each_summary_in_full_on_80_columns(group: click.Group) -> None:
    text = click.Context(group, terminal_width=WIDTH, help_option_names=["-h", "--help"]).get_help()

    assert "Commands:" in text
    assert "..." not in text.replace("[ARGS]...", "")
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("arguments", [("nothing",), ("pow", "2"), ("pow", "2", "3", "4"), ("pow", "2", "3", "--jsn")])
def test_a_usage_error_has_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


@pytest.mark.parametrize("command", [("config",), ("history",), ("db", "check"), ("keys", "list"), ("token", "alice")])
def test_a_misspelled_setting_is_reported_in_one_line_with_exit_code_1(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, MATHOPS_WORKRS="2")

    assert result.exit_code == 1
    assert result.stderr == "Error: MATHOPS_WORKRS is not a setting; did you mean MATHOPS_WORKERS?\n"


@pytest.mark.parametrize("arguments", [("--help",), ("pow", "2", "3")])
def test_commands_without_settings_ignore_a_misspelled_one(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, MATHOPS_WORKRS="2").exit_code == 0


def test_the_completion_script_gets_the_matching_commands(run: Run) -> None:
    result = run(_MATHOPS_COMPLETE="bash_complete", COMP_WORDS="mathops key", COMP_CWORD="1")

    assert result.stdout == "plain,keys\n"
