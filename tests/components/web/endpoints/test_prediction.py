"""GET /NAME/plan: size and cost of an operation before it runs."""

from collections.abc import Callable

import pytest

from mathops.operations import OPERATIONS, Operation
from tests.components.web.responses import assert_problem
from tests.conftest import World


def test_a_prediction_bounds_the_result(world: World) -> None:
    prediction = world.get("/fact/plan?n=1000").json()
    result = world.get("/fact?n=1000").json()

    assert result["digits"] <= prediction["predicted_digits"] <= result["digits"] + 2
    assert 0 < prediction["predicted_seconds"] < 0.01
    assert (prediction["operation"], prediction["parameters"]) == ("fact", {"n": "1000"})
    limits = {"application/json": world.settings.json_digits, "text/plain": world.settings.text_digits}
    assert prediction["limits"] == limits
    assert prediction["accepted"] == list(limits)
    assert prediction["deadline_seconds"] == world.settings.compute_deadline_seconds


def test_a_size_beyond_all_limits_is_predicted_too(world: World) -> None:
    assert world.get("/pow/plan?base=10&exp=999999999").json()["predicted_digits"] == 1_000_000_000
    huge = world.get(f"/pow/plan?base=10&exp={'9' * 400}").json()
    assert huge["predicted_digits"] is None
    assert huge["predicted_seconds"] == 86_400


@pytest.mark.parametrize("exp", [998, 999, 1000, 1001, 1002, 1003, 1999, 2000, 2001, 2002, 2003])
def test_the_accepted_media_types_are_those_of_the_operation(make_world: Callable[..., World], exp: int) -> None:
    # Both reject 10^exp, which has exp + 1 digits, by its prediction or by its measured size.
    world = make_world(json_digits=1000, text_digits=2000)
    plan = world.get(f"/pow/plan?base=10&exp={exp}").json()

    for media_type in plan["limits"]:
        status = world.get(f"/pow?base=10&exp={exp}", Accept=media_type).status_code
        measured = exp + 1 <= plan["limits"][media_type]
        assert status == (200 if measured else 422)
        assert media_type in plan["accepted"] or not measured
    assert exp <= 2001 or "text/plain" not in plan["accepted"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_a_prediction_that_is_neither_computed_nor_recorded(
    world: World, operation: Operation
) -> None:
    query = "&".join(f"{parameter.name}={parameter.example}" for parameter in operation.parameters)

    assert world.get(f"/{operation.name}/plan?{query}").json()["operation"] == operation.name
    assert world.get(f"/{operation.name}/plan?{query}").headers["cache-control"] == "no-store"
    assert world.journal.records == []
    assert world.cache.entries == {}


def test_errors_are_those_of_the_operation(world: World) -> None:
    wanted = world.get("/pow?base=x&z=1").json()["errors"]

    assert assert_problem(world.get("/pow/plan?base=x&z=1"), 422, "invalid-parameter")["errors"] == wanted
    assert_problem(world.get("/fib/plan?n=1&n=2"), 422, "invalid-parameter")
    assert_problem(world.get("/fib/plan?n=%ff"), 400, "malformed-request")


def test_the_scope_of_the_operation_is_required(world: World) -> None:
    def status(path: str, *scopes: str) -> int:
        return world.client.get(path, headers=world.bearer("bob", scopes)).status_code

    assert status("/fib/plan?n=1", "math:fib") == 200
    assert status("/fib/plan?n=1", "math:pow") == 403
    assert status("/fib/plan?n=1", "history") == 403
    assert world.client.get("/fib/plan?n=1").status_code == 401


def test_a_prediction_counts_against_the_quota_of_requests(make_world: Callable[..., World]) -> None:
    world = make_world(limits={"requests": 1}, quota_requests="1/minute")

    assert [world.get("/fib/plan?n=1").status_code for _ in range(2)] == [200, 429]


def test_aliases_name_their_operation_in_the_openapi_document(world: World) -> None:
    paths = world.client.get("/openapi.json").json()["paths"]

    assert paths["/power"]["get"]["x-alias-of"] == paths["/power"]["post"]["x-alias-of"] == "/pow"
    assert "x-alias-of" not in paths["/pow"]["get"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    assert paths["/pow/plan"]["get"]["operationId"] == "pow_plan"
