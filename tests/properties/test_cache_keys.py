"""Two different results never share a name: neither a cache key nor an ETag."""

from hypothesis import assume, given
from hypothesis import strategies as st

from mathops.evaluator import Evaluator
from mathops.operations import OPERATIONS, Operation
from tests.conftest import World
from tests.support.fakes import FakeCache, FakeRateLimiter, InlinePool

Call = tuple[Operation, tuple[int, ...]]

EVALUATOR = Evaluator(FakeCache(), InlinePool(), FakeRateLimiter(), inline_digits=2000)

calls = st.one_of(
    *(
        st.tuples(
            st.just(operation),
            st.tuples(*(st.integers(parameter.minimum, 10**4) for parameter in operation.parameters)),
        )
        for operation in OPERATIONS
    )
)


@given(calls, calls)
def test_different_calls_have_different_cache_keys(one: Call, other: Call) -> None:
    assume(one != other)

    keys = [EVALUATOR.plan(operation, arguments, limit_digits=10**9).key for operation, arguments in (one, other)]

    assert keys[0] != keys[1]


@given(calls)
def test_json_and_text_of_one_call_share_a_cache_key(call: Call) -> None:
    assert EVALUATOR.plan(*call, limit_digits=10**6).key == EVALUATOR.plan(*call, limit_digits=10**7).key


def test_bases_that_differ_after_the_recorded_length_have_different_etags(world: World) -> None:
    long = "1" * 300

    first = world.get(f"/pow?base={long}1&exp=1")
    second = world.get(f"/pow?base={long}2&exp=1", If_None_Match=first.headers["etag"])

    assert second.status_code == 200
    assert second.json()["result"] == f"{long}2"


def test_long_parameters_are_complete_in_the_response_and_cut_in_the_record(world: World) -> None:
    long = "1" * 300

    for response in (
        world.get(f"/pow?base={long}&exp=1"),
        world.client.post("/pow", json={"base": long, "exp": "1"}, headers=world.bearer()),
    ):
        assert response.json()["parameters"] == {"base": long, "exp": "1"}
        assert world.journal.records[-1].parameters == {"base": long[:256], "exp": "1"}
