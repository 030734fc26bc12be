import json
from pathlib import Path

import pytest
from gmpy2 import mpz

from mathops.operations import OPERATIONS, Operation, Parameter
from tests.unit.cli.conftest import Run


def cube_bits(n: int) -> float:
    return 3 * max(1, n.bit_length())


def cube(n: int) -> mpz:
    return mpz(n) ** 3


CUBE = Operation("cube", "third-power", "n times n times n", (Parameter("n", "any integer", 2),), cube_bits, None, cube)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("pow", "2", "5"), "32"),
        (("pow", "0", "0"), "1"),
        (("pow", "-2", "3"), "-8"),
        (("pow", "--", "-2", "3"), "-8"),
        (("pow", "-1", "9" * 4000), "-1"),
        (("power", "10", "2"), "100"),
        (("fib", "10"), "55"),
        (("fibonacci", "0"), "0"),
        (("fact", "5"), "120"),
        (("factorial", "0"), "1"),
    ],
)
def test_only_the_result_is_printed_on_stdout(run: Run, arguments: tuple[str, ...], text: str) -> None:
    result = run(*arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (0, text + "\n", "")


def test_json_output_equals_the_response_body_of_the_service(run: Run) -> None:
    document = {"operation": "pow", "parameters": {"base": "-2", "exp": "3"}, "result": "-8", "digits": 1}

    assert json.loads(run("pow", "--json", "-2", "3").stdout) == document
    assert json.loads(run("pow", "-2", "3", "--json").stdout) == document


def test_each_registered_operation_is_a_command(run: Run) -> None:
    operations = (*OPERATIONS, CUBE)

    assert run("cube", "-3", operations=operations).stdout == "-27\n"
    assert run("third-power", "3", operations=operations).stdout == "27\n"
    assert "Compute n times n times n." in run("--help", operations=operations).stdout
    assert "N: any integer." in run("cube", "--help", operations=operations).stdout


def test_a_long_result_in_a_pipe_is_complete(run: Run) -> None:
    assert run("pow", "10", "2000").stdout == "1" + "0" * 2000 + "\n"


def test_output_writes_the_complete_result_to_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "result"
    file.write_text("old")

    result = run("pow", "10", "2000", "--output", str(file))

    assert (result.exit_code, result.output) == (0, "")
    assert file.read_text() == "1" + "0" * 2000 + "\n"
    run("pow", "2", "3", "--json", "--output", str(file))
    assert json.loads(file.read_text())["result"] == "8"


def test_a_failed_command_keeps_the_output_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "result"
    file.write_text("old")

    assert run("fact", "100000000", "--output", str(file)).exit_code == 1

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result", "old")]


def test_output_to_a_device_does_not_replace_it(run: Run) -> None:
    assert run("pow", "2", "3", "--output", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()
    assert run("pow", "2", "3", "--output", "/dev/full").stderr == (
        "Error: /dev/full cannot be written: No space left on device\n"
    )


def test_an_output_file_that_cannot_be_written_is_reported_in_one_line(run: Run) -> None:
    result = run("fact", "100000000", "--output", "/nowhere/result")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: /nowhere/result cannot be written: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (("fact", "100000000"), "756,570,557 digits"),
        (("fib", "1" + "0" * 4000), "more than 10^18 digits"),
        (("pow", "10", "1" + "0" * 4000), "more than 10^18 digits"),
    ],
)
def test_a_result_over_the_limit_is_rejected_before_computing(run: Run, arguments: tuple[str, ...], size: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert size in result.stderr
    assert "100,000,000" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("pow", "2", "-1"), "'EXP': send an integer of at least 0"),
        (("fib", "-1"), "'N': send an integer of at least 0"),
        (("fact", "1.5"), "'N': send an integer in decimal digits"),
        (("fact", "1_000"), "'N': send an integer in decimal digits"),
        (("fact", "٣"), "'N': send an integer in decimal digits"),
        (("fact", "9" * 5000), "'N': send at most 4300 digits"),
    ],
)
def test_an_invalid_argument_is_a_usage_error(run: Run, arguments: tuple[str, ...], error: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert error in result.stderr
