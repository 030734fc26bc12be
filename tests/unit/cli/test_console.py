import pytest

from mathops.cli.console import print_output, printable, progress


def test_control_characters_are_escaped() -> None:
    assert printable("a\x1b[31mb\nc\u202e") == r"a\x1b[31mb\nc\u202e"
    assert printable("größe 2") == "größe 2"


def test_a_table_in_a_pipe_is_neither_wrapped_nor_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    print_output(False, None, ("A", "B"), [("x" * 500, "[red]1[/red]")])

    assert capsys.readouterr().out.splitlines()[1].split() == ["x" * 500, "[red]1[/red]"]


def test_progress_is_silent_if_stderr_is_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("working") as report:
        report(1, 2)

    assert capsys.readouterr() == ("", "")
