"""Only the canonical text of an integer is read, and it is read exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathops.errors import InvalidParameter
from mathops.operations import OPERATIONS, Operation
from mathops.operations.factorial import OPERATION as FACTORIAL
from mathops.operations.power import OPERATION as POWER


def accepted(text: str) -> bool:
    try:
        POWER.parameters[0].parse(text)
    except ValueError:
        return False
    return True


@given(st.integers())
def test_the_text_of_an_integer_is_read_as_that_integer(value: int) -> None:
    assert POWER.parse({"base": str(value), "exp": "0"}) == (value, 0)


@given(st.text() | st.text("0123456789-+_ eE.") | st.from_regex(r"-?\d{1,5}", fullmatch=True))
def test_a_text_is_accepted_just_when_it_is_that_of_its_integer(text: str) -> None:
    try:
        canonical = str(int(text)) == text
    except ValueError:
        canonical = False
    assert accepted(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "-0",
        "007",
        "+5",
        "١٢",
        "\N{FULLWIDTH DIGIT FIVE}",
        "1_000",
        " 7",
        "7 ",
        "7\n",
        "1e3",
        "1.0",
        "0x10",
        "--1",
        "²",
        "NaN",
        "\x00",
        "1\x00",
    ],
)
def test_other_spellings_are_rejected(text: str) -> None:
    assert not accepted(text)


def test_4300_digits_are_accepted_and_4301_are_rejected() -> None:
    assert accepted("9" * 4300)
    assert POWER.parse({"base": "9" * 4300, "exp": "0"}) == (10**4300 - 1, 0)
    assert not accepted("9" * 4301)


@given(st.integers(max_value=-1))
def test_a_number_below_the_minimum_is_rejected(value: int) -> None:
    with pytest.raises(InvalidParameter) as raised:
        FACTORIAL.parse({"n": str(value)})
    assert raised.value.extensions["errors"] == [{"parameter": "n", "detail": "send an integer of at least 0"}]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@given(st.data())
def test_exactly_the_wrong_parameters_are_named(operation: Operation, data: st.DataObject) -> None:
    known = [parameter.name for parameter in operation.parameters]
    good, bad = st.just("1"), st.sampled_from(["", "x", "01"])
    values = data.draw(st.dictionaries(st.sampled_from([*known, "a", "b"]), good | bad))
    expected = {name for name in known if values.get(name) != "1"} | (values.keys() - set(known))

    try:
        assert operation.parse(values) == (1,) * len(known)
        named = set()
    except InvalidParameter as raised:
        named = {error["parameter"] for error in raised.extensions["errors"]}

    assert named == expected
