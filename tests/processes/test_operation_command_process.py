"""`mathops pow`, `fib` and `fact` with results that are computed in a process of their own."""

import hashlib
import math
import os
import signal

import pytest
from gmpy2 import mpz

from mathops.operations import Operation, Parameter
from tests.support.commands import run_command


def many_bits(n: int) -> float:
    return 1e7


def killed(n: int) -> mpz:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_result_over_the_limits_of_the_service_is_exact() -> None:
    text = run_command({}, "fact", "205022").stdout.rstrip("\n")

    assert len(text) == 1_000_000
    assert text.endswith("0" * sum(205022 // 5**power for power in range(1, 8)))
    # Computed independently of the implementation under test.
    assert int(text[:15]) == pytest.approx(10 ** (math.lgamma(205023) / math.log(10) - 999_999 + 14), rel=1e-8)


def test_a_result_computed_in_a_process_is_exact() -> None:
    text = run_command({}, "pow", "2", "400000").stdout.rstrip("\n")

    assert hashlib.sha256(text.encode()).digest() == hashlib.sha256((mpz(1) << 400000).digits().encode()).digest()


def test_a_killed_computing_process_is_reported_in_one_line() -> None:
    lost = Operation("lose", "lost", "never", (Parameter("n", "any integer", 2),), many_bits, None, killed)

    result = run_command({}, "lose", "1", operations=(lost,))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: the computing process was killed, possibly because memory ran out\n"
