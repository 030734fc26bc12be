"""A JSON number is an integer by its value, not by its spelling, and never passes through a float."""

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import World


def ask(service: World, base: str) -> Response:
    headers = {**service.bearer(), "Content-Type": "application/json"}
    return service.client.post("/pow", content=f'{{"base": {base}, "exp": 1}}', headers=headers)


def outcome(service: World, base: str) -> tuple[int, str | None]:
    """Status and result of base**1."""
    response = ask(service, base)
    return response.status_code, response.json().get("result")


@given(st.integers(-(10**40), 10**40), st.integers(0, 40), st.sampled_from(["e", "E", "e+", "E+"]))
def test_every_spelling_of_an_integer_is_that_integer(service: World, value: int, zeros: int, exponent: str) -> None:
    for spelling in (str(value), f"{value}.{'0' * (zeros + 1)}", f"{value}{'0' * zeros}e-{zeros}"):
        assert outcome(service, spelling) == (200, str(value))
    assert outcome(service, f"{value}{exponent}{zeros}") == (200, str(value * 10**zeros))


@given(st.integers(-(10**20), 10**20), st.integers(1, 9))
def test_a_number_with_a_fraction_is_rejected(service: World, value: int, tenth: int) -> None:
    assert outcome(service, f"{value}.{tenth}") == (422, None)


@pytest.mark.parametrize(
    "number", ["1e400000", "1e999999999999999999999", "-1e999999999", "0.5", "1e-999999999", "0e999999999", "true"]
)
def test_a_number_of_too_many_digits_is_rejected_without_work(service: World, number: str) -> None:
    assert outcome(service, number) == (422, None)


def test_an_integer_of_too_many_digits_is_rejected_like_its_text(service: World) -> None:
    digits = "1" * 5000

    for sent in (digits, f'"{digits}"'):
        response = ask(service, sent)
        assert response.status_code == 422
        assert response.json()["detail"] == "base: send at most 4300 digits, not 5000 characters"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5"])
def test_text_that_is_not_json_is_malformed(service: World, number: str) -> None:
    assert outcome(service, number) == (400, None)
