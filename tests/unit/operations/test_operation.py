import hashlib
import math
import re
from dataclasses import replace

import pytest

from mathops.errors import InvalidParameter
from mathops.operations import OPERATIONS, Operation, Parameter, Result
from mathops.operations.operation import MAX_PARAMETER_DIGITS
from mathops.operations.power import OPERATION as POWER

TEN_OR_MORE = Parameter("n", "at least ten", example=10, minimum=10)


@pytest.mark.parametrize(("text", "digits"), [(b"0", 1), (b"32", 2), (b"-32", 2), (b"-1", 1)])
def test_a_sign_is_no_digit(text: bytes, digits: int) -> None:
    assert Result.of(text) == Result(text, digits)


def test_a_result_is_named_by_the_sha256_of_its_text() -> None:
    assert Result.of(b"-32").sha256 == hashlib.sha256(b"-32").hexdigest()


def test_a_result_is_the_decimal_text_of_the_computation() -> None:
    assert POWER.result(-2, 5) == Result(b"-32", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "this parameter is missing"),
        ("9", "send an integer of at least 10"),
        ("-10", "send an integer of at least 10"),
        ("x", "send an integer in decimal digits, such as 42, without +, spaces or leading zeros"),
        ("1" * (MAX_PARAMETER_DIGITS + 1), "send at most 4300 digits, not 4301 characters"),
    ],
)
def test_an_invalid_text_is_rejected_with_what_to_send(text: str | None, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        TEN_OR_MORE.parse(text)


@pytest.mark.parametrize("text", ["10", "1" * MAX_PARAMETER_DIGITS])
def test_a_valid_text_is_parsed(text: str) -> None:
    assert TEN_OR_MORE.parse(text) == int(text)


def test_a_parameter_without_a_minimum_takes_any_integer() -> None:
    assert Parameter("n", "any", example=1).parse("-" + "9" * 4299) == 1 - 10**4299


def test_parameters_are_parsed_in_the_order_of_the_operation() -> None:
    assert POWER.parse({"exp": "5", "base": "2"}) == (2, 5)


def test_all_errors_are_reported_at_once() -> None:
    with pytest.raises(InvalidParameter) as raised:
        POWER.parse({"base": "two", "n": "1", "N" * 100: "1"})

    assert raised.value.extensions["errors"] == [
        {
            "parameter": "base",
            "detail": "send an integer in decimal digits, such as 42, without +, spaces or leading zeros",
        },
        {"parameter": "exp", "detail": "this parameter is missing"},
        {"parameter": "n", "detail": "this parameter is unknown"},
        {"parameter": "N" * 64, "detail": "this parameter is unknown"},
    ]


def test_an_unknown_parameter_is_rejected_beside_valid_ones() -> None:
    with pytest.raises(InvalidParameter) as raised:
        POWER.parse({"base": "2", "exp": "5", "mod": "7"})

    assert [error["parameter"] for error in raised.value.extensions["errors"]] == ["mod"]


@pytest.mark.parametrize(
    ("bits", "digits"),
    [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (3_321_928, 1_000_000), (math.inf, math.inf)],
)
def test_digits_follow_from_bits(bits: float, digits: float) -> None:
    assert replace(POWER, bits=lambda *_: bits).predicted_digits(2, 5) == digits


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_names_paths_and_parameters_are_unique_and_described(operation: Operation) -> None:
    names = [parameter.name for parameter in operation.parameters]
    assert len(set(names)) == len(names)
    assert operation.summary
    assert all(parameter.description for parameter in operation.parameters)
    assert all(parameter.parse(str(parameter.example)) == parameter.example for parameter in operation.parameters)


def test_no_two_operations_share_a_path() -> None:
    paths = [path for operation in OPERATIONS for path in operation.paths]
    assert len(set(paths)) == len(paths)
