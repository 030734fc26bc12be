"""Large results that are known elsewhere, over a real server.

Digit counts: OEIS A068070 (F(10^n)) and A061010 ((10^n)!). Each result is checked again modulo a prime,
by modular arithmetic on Python's own integers, which shares nothing with the way the service computes.
"""

import hashlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.server import Server

# 2^61 - 1 is prime.
PRIME = 2**61 - 1
TEXT = {"Accept": "text/plain"}
# CPython reads at most 4,300 digits by int().
CHUNK = 4000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Other work on the machine is no fault of the service.
    server = Server(tmp_path_factory.mktemp("known"), {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "60"})
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def digits(server: Server) -> Callable[[str], str]:
    headers = {**server.login(), **TEXT}

    def ask(path: str) -> str:
        answer = server.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text[:500]
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.isascii()
        assert answer.text.isdigit()
        return answer.text

    return ask


def residue(digits: str) -> int:
    """The number modulo PRIME, from its decimal text."""
    value = 0
    for start in range(0, len(digits), CHUNK):
        part = digits[start : start + CHUNK]
        value = (value * pow(10, len(part), PRIME) + int(part)) % PRIME
    return value


def fibonacci_residue(n: int) -> int:
    """F(n) modulo PRIME, by fast doubling."""
    one, other = 0, 1
    for bit in f"{n:b}":
        one, other = one * (2 * other - one) % PRIME, (one * one + other * other) % PRIME
        if bit == "1":
            one, other = other, (one + other) % PRIME
    return one


def factorial_residue(n: int) -> int:
    """N! modulo PRIME, factor by factor."""
    value = 1
    for factor in range(2, n + 1):
        value = value * factor % PRIME
    return value


def test_the_millionth_fibonacci_number(digits: Callable[[str], str]) -> None:
    number = digits("/fib?n=1000000")

    assert len(number) == 208_988
    assert number.startswith("195328212870")
    assert number.endswith("838242546875")
    assert residue(number) == fibonacci_residue(10**6)


def test_the_ten_millionth_fibonacci_number(digits: Callable[[str], str]) -> None:
    number = digits("/fib?n=10000000")

    assert len(number) == 2_089_877
    assert number.startswith("112983437822")
    assert number.endswith("686380546875")
    assert residue(number) == fibonacci_residue(10**7)


@pytest.mark.parametrize(("n", "length"), list(enumerate([1, 2, 21, 209, 2090, 20899])))
def test_fibonacci_of_each_power_of_ten_has_its_known_length(digits: Callable[[str], str], n: int, length: int) -> None:
    number = digits(f"/fib?n={10**n}")

    assert len(number) == length
    assert residue(number) == fibonacci_residue(10**n)


@pytest.mark.parametrize(("n", "length"), list(enumerate([1, 7, 158, 2568, 35660, 456574])))
def test_the_factorial_of_each_power_of_ten_has_its_known_length(
    digits: Callable[[str], str], n: int, length: int
) -> None:
    number = digits(f"/fact?n={10**n}")

    assert len(number) == length
    assert residue(number) == factorial_residue(10**n)


def test_the_factorial_of_a_million(digits: Callable[[str], str]) -> None:
    number = digits("/fact?n=1000000")

    assert len(number) == 5_565_709
    assert number.startswith("826393168833124006237664610317")
    # Legendre: so many factors of five.
    assert len(number) - len(number.rstrip("0")) == sum(10**6 // 5**k for k in range(1, 9))
    assert residue(number) == factorial_residue(10**6)


def test_three_to_the_millionth(digits: Callable[[str], str]) -> None:
    number = digits("/pow?base=3&exp=1000000")

    assert len(number) == 477_122
    assert number.startswith("179771011667")
    assert number.endswith("655220000001")
    assert residue(number) == pow(3, 10**6, PRIME)


def test_json_gives_a_million_digits_and_not_one_more(server: Server, digits: Callable[[str], str]) -> None:
    headers = server.login()

    largest = server.client.get("/fact?n=205022", headers=headers).json()
    refused = server.client.get("/fact?n=205023", headers=headers)

    assert largest["digits"] == len(largest["result"]) == 1_000_000
    assert residue(largest["result"]) == factorial_residue(205_022)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/result-too-large"
    assert refused.json()["limit_digits"] == 1_000_000
    assert residue(digits("/fact?n=205023")) == factorial_residue(205_023)


def test_a_long_result_is_recorded_by_its_digits_and_sha256(server: Server, digits: Callable[[str], str]) -> None:
    number = digits("/pow?base=7&exp=300000")

    row = server.rows("result, result_digits, result_sha256", "parameters LIKE '%300000%'")[-1]
    assert row == (None, len(number), hashlib.sha256(number.encode()).hexdigest())
