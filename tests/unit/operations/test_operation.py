import hashlib
import math

import pytest

from mathops.errors import InvalidParameter
from mathops.operations import OPERATIONS, POWER, Operation, Parameter, Result
from mathops.operations.operation import MAX_PARAMETER_DIGITS, digits_of

TEN_OR_MORE = Parameter("n", "at least ten", example=10, minimum=10)


@pytest.mark.parametrize(("text", "digits"), [(b"0", 1), (b"32", 2), (b"-32", 2), (b"-1", 1)])
def test_a_sign_is_no_digit(text: bytes, digits: int) -> None:
    assert Result.of(text) == Result(text, digits)


def test_a_result_is_named_by_the_sha256_of_its_text() -> None:
    assert Result.of(b"-32").sha256 == hashlib.sha256(b"-32").hexdigest()


def test_a_result_is_the_decimal_text_of_the_computation() -> None:
    assert POWER.result(-2, 5) == Result(b"-32", 2)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "this parameter is missing"),
        ("10", None),
        ("9", "send an integer of at least 10"),
        ("-10", "send an integer of at least 10"),
        ("x", "send an integer in decimal digits, such as 42, without sign +, blanks or leading zeros"),
        ("1" * MAX_PARAMETER_DIGITS, None),
        ("1" * (MAX_PARAMETER_DIGITS + 1), "send at most 4300 digits, not 4301 characters"),
    ],
)
def test_a_fault_says_what_to_send(text: str | None, fault: str | None) -> None:
    assert TEN_OR_MORE.fault(text) == fault


def test_a_parameter_without_a_minimum_takes_any_integer() -> None:
    assert Parameter("n", "any", example=1).fault("-" + "9" * 4299) is None


def test_parameters_are_parsed_in_the_order_of_the_operation() -> None:
    assert POWER.parse({"exp": "5", "base": "2"}) == (2, 5)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        POWER.parse({"base": "two", "n": "1", "N" * 100: "1"})

    assert refusal.value.extensions["errors"] == [
        {
            "parameter": "base",
            "detail": "send an integer in decimal digits, such as 42, without sign +, blanks or leading zeros",
        },
        {"parameter": "exp", "detail": "this parameter is missing"},
        {"parameter": "n", "detail": "this parameter is not known here"},
        {"parameter": "N" * 64, "detail": "this parameter is not known here"},
    ]


def test_an_unknown_parameter_is_refused_beside_good_ones() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        POWER.parse({"base": "2", "exp": "5", "mod": "7"})

    assert [fault["parameter"] for fault in refusal.value.extensions["errors"]] == ["mod"]


@pytest.mark.parametrize(
    ("bits", "digits"),
    [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (3_321_928, 1_000_000), (math.inf, math.inf)],
)
def test_digits_that_so_many_bits_can_need(bits: float, digits: float) -> None:
    assert digits_of(bits) == digits


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_names_paths_and_parameters_are_unique_and_described(operation: Operation) -> None:
    names = [parameter.name for parameter in operation.parameters]
    assert len(set(names)) == len(names)
    assert operation.summary
    assert all(parameter.description for parameter in operation.parameters)
    assert all(parameter.fault(str(parameter.example)) is None for parameter in operation.parameters)


def test_no_two_operations_share_a_path() -> None:
    paths = [path for operation in OPERATIONS for path in operation.paths]
    assert len(set(paths)) == len(paths)
