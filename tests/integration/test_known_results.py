"""Large results of a real server against published values.

Digit counts: OEIS A068070 (F(10^n)) and A061010 ((10^n)!). Each result is also checked modulo a prime by arithmetic on
Python integers, which shares no code with the service.
"""

import hashlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.server import Server

# 2^61 - 1, a Mersenne prime.
PRIME = 2**61 - 1
TEXT = {"Accept": "text/plain"}
# CPython's int() reads at most 4,300 digits.
CHUNK = 4000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A busy machine must not exceed the deadline.
    server = Server(tmp_path_factory.mktemp("known"), {"MATHOPS_COMPUTE_DEADLINE_SECONDS": "60"})
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def digits(server: Server) -> Callable[[str], str]:
    headers = {**server.login(), **TEXT}

    def get(path: str) -> str:
        response = server.client.get(path, headers=headers)
        assert response.status_code == 200, response.text[:500]
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.text.isascii()
        assert response.text.isdigit()
        return response.text

    return get


def residue(digits: str) -> int:
    """The decimal number modulo PRIME."""
    value = 0
    for start in range(0, len(digits), CHUNK):
        part = digits[start : start + CHUNK]
        value = (value * pow(10, len(part), PRIME) + int(part)) % PRIME
    return value


def fibonacci_residue(n: int) -> int:
    """F(n) modulo PRIME, by fast doubling."""
    current, following = 0, 1
    for bit in f"{n:b}":
        doubled = current * (2 * following - current) % PRIME
        beyond = (current * current + following * following) % PRIME
        current, following = (beyond, (doubled + beyond) % PRIME) if bit == "1" else (doubled, beyond)
    return current


def factorial_residue(n: int) -> int:
    """n! modulo PRIME."""
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
def test_fibonacci_of_each_power_of_ten_has_its_published_length(
    digits: Callable[[str], str], n: int, length: int
) -> None:
    number = digits(f"/fib?n={10**n}")

    assert len(number) == length
    assert residue(number) == fibonacci_residue(10**n)


@pytest.mark.parametrize(("n", "length"), list(enumerate([1, 7, 158, 2568, 35660, 456574])))
def test_the_factorial_of_each_power_of_ten_has_its_published_length(
    digits: Callable[[str], str], n: int, length: int
) -> None:
    number = digits(f"/fact?n={10**n}")

    assert len(number) == length
    assert residue(number) == factorial_residue(10**n)


def test_the_factorial_of_a_million(digits: Callable[[str], str]) -> None:
    number = digits("/fact?n=1000000")

    assert len(number) == 5_565_709
    assert number.startswith("826393168833124006237664610317")
    # Trailing zeros by Legendre's formula.
    assert len(number) - len(number.rstrip("0")) == sum(10**6 // 5**k for k in range(1, 9))
    assert residue(number) == factorial_residue(10**6)


def test_three_to_the_millionth(digits: Callable[[str], str]) -> None:
    number = digits("/pow?base=3&exp=1000000")

    assert len(number) == 477_122
    assert number.startswith("179771011667")
    assert number.endswith("655220000001")
    assert residue(number) == pow(3, 10**6, PRIME)


def test_json_returns_at_most_a_million_digits(server: Server, digits: Callable[[str], str]) -> None:
    headers = server.login()

    largest = server.client.get("/fact?n=205022", headers=headers).json()
    rejected = server.client.get("/fact?n=205023", headers=headers)

    assert largest["digits"] == len(largest["result"]) == 1_000_000
    assert residue(largest["result"]) == factorial_residue(205_022)
    assert rejected.status_code == 422
    assert rejected.json()["type"] == "/problems/result-too-large"
    assert rejected.json()["limit_digits"] == 1_000_000
    assert residue(digits("/fact?n=205023")) == factorial_residue(205_023)


def test_a_long_result_is_recorded_as_digit_count_and_sha256(server: Server, digits: Callable[[str], str]) -> None:
    number = digits("/pow?base=7&exp=300000")

    row = server.rows("result, result_digits, result_sha256", "parameters LIKE '%300000%'")[-1]
    assert row == (None, len(number), hashlib.sha256(number.encode()).hexdigest())
