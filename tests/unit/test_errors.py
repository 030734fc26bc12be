"""Each error declares its status and type, and its detail describes how to fix the request."""

import pytest

from mathops.errors import InvalidParameter, MathopsError, QuotaExceeded, problem_types


def test_every_subclass_is_a_problem_type_of_its_own() -> None:
    kinds = MathopsError.__subclasses__()

    assert len(problem_types()) == len(kinds)
    assert set(problem_types().values()) == set(kinds)


def test_an_internal_error_is_500() -> None:
    assert problem_types()["internal-error"].status == 500


def test_an_error_has_headers_and_members() -> None:
    error = QuotaExceeded("later", retry_after=5, limit=3)

    assert (error.status, error.type, str(error)) == (429, "quota-exceeded", "later")
    assert error.retry_after == 5
    assert error.extensions == {"limit": 3}


def test_invalid_parameters_are_reported_one_by_one_and_together() -> None:
    error = InvalidParameter([("n", "send an integer"), ("k", "is missing")])

    assert error.detail == "n: send an integer; k: is missing"
    assert error.extensions["errors"] == [
        {"parameter": "n", "detail": "send an integer"},
        {"parameter": "k", "detail": "is missing"},
    ]


@pytest.mark.parametrize("error", problem_types().values(), ids=lambda error: error.type)
def test_a_title_has_no_final_full_stop(error: type[MathopsError]) -> None:
    assert error.title[0].isupper()
    assert not error.title.endswith(".")
