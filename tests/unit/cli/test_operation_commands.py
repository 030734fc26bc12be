import json

import pytest
from gmpy2 import mpz

from mathops.operations import OPERATIONS, Operation, Parameter
from tests.unit.cli.conftest import Run


def cube_bits(n: int) -> float:
    return 3 * max(1, n.bit_length())


def cube(n: int) -> mpz:
    return mpz(n) ** 3


CUBE = Operation("cube", "third-power", "n times n times n", (Parameter("n", "any integer", 2),), cube_bits, cube)


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
