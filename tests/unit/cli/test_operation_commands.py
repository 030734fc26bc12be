import hashlib
import json
import math
import os
import signal

import pytest
from gmpy2 import mpz

from mathops.operations import OPERATIONS, Operation, Parameter
from tests.unit.cli.conftest import Run


def cube_bits(n: int) -> float:
    return 3 * max(1, n.bit_length())


def cube(n: int) -> mpz:
    return mpz(n) ** 3


def many_bits(n: int) -> float:
    return 1e7


def killed(n: int) -> mpz:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


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
def test_the_result_is_alone_on_stdout(run: Run, arguments: tuple[str, ...], text: str) -> None:
    result = run(*arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (0, text + "\n", "")


def test_json_is_the_body_that_the_service_answers(run: Run) -> None:
    document = {"operation": "pow", "parameters": {"base": "-2", "exp": "3"}, "result": "-8", "digits": 1}

    assert json.loads(run("pow", "--json", "-2", "3").stdout) == document
    assert json.loads(run("pow", "-2", "3", "--json").stdout) == document


def test_an_operation_is_a_command_as_soon_as_it_is_registered(run: Run) -> None:
    operations = (*OPERATIONS, CUBE)

    assert run("cube", "-3", operations=operations).stdout == "-27\n"
    assert run("third-power", "3", operations=operations).stdout == "27\n"
    assert "N times n times n." in run("--help", operations=operations).stdout
    assert "N: any integer." in run("cube", "--help", operations=operations).stdout


def test_a_result_beyond_the_limits_of_the_service_is_exact(run: Run) -> None:
    text = run("fact", "205022").stdout.rstrip("\n")

    assert len(text) == 1_000_000
    assert text.endswith("0" * sum(205022 // 5**power for power in range(1, 8)))
    # From another implementation than the one under test.
    assert int(text[:15]) == pytest.approx(10 ** (math.lgamma(205023) / math.log(10) - 999_999 + 14), rel=1e-8)


def test_a_long_result_of_a_process_equals_the_one_computed_here(run: Run) -> None:
    text = run("pow", "2", "400000").stdout.rstrip("\n")

    assert hashlib.sha256(text.encode()).digest() == hashlib.sha256((mpz(1) << 400000).digits().encode()).digest()


def test_a_computing_process_that_is_ended_is_one_line(run: Run) -> None:
    lost = Operation("lose", "lost", "never", (Parameter("n", "any integer", 2),), many_bits, killed)

    result = run("lose", "1", operations=(lost,))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: the computing process was ended, perhaps for want of memory\n"


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        (("fact", "100000000"), "756,570,557 digits"),
        (("fib", "1" + "0" * 4000), "more than 10^18 digits"),
        (("pow", "10", "1" + "0" * 4000), "more than 10^18 digits"),
    ],
)
def test_an_absurd_result_is_refused_before_any_work(run: Run, arguments: tuple[str, ...], size: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert size in result.stderr
    assert "100,000,000" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("pow", "2", "-1"), "'EXP': send an integer of at least 0"),
        (("fib", "-1"), "'N': send an integer of at least 0"),
        (("fact", "1.5"), "'N': send an integer in decimal digits"),
        (("fact", "1_000"), "'N': send an integer in decimal digits"),
        (("fact", "٣"), "'N': send an integer in decimal digits"),
        (("fact", "9" * 5000), "'N': send at most 4300 digits"),
    ],
)
def test_an_argument_that_is_not_valid_is_exit_code_2(run: Run, arguments: tuple[str, ...], fault: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert fault in result.stderr
