"""A new operation appears everywhere by its one declaration."""

from collections.abc import Callable

import pytest
from gmpy2 import mpz
from prometheus_client import REGISTRY

from mathops.operations import OPERATIONS, Operation, Parameter
from tests.components.web.responses import assert_problem
from tests.conftest import World


def _bits(n: int, k: int) -> float:
    return n.bit_length() + k.bit_length()


def _compute(n: int, k: int) -> mpz:
    return mpz(n) * k


PRODUCT = Operation(
    name="mul",
    alias="product",
    summary="n times k, <exactly> & nothing else",
    parameters=(Parameter("n", 'any "integer"', example=6), Parameter("k", "a natural one", example=7, minimum=1)),
    bits=_bits,
    seconds=None,
    compute=_compute,
)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(operations=(*OPERATIONS, PRODUCT))


@pytest.mark.parametrize("path", ["/mul", "/product"])
def test_it_has_routes_for_each_method(world: World, path: str) -> None:
    asked = world.get(f"{path}?n=-6&k=7")
    posted = world.client.post(path, json={"n": -6, "k": "7"}, headers=world.bearer())

    assert asked.json() == {"operation": "mul", "parameters": {"n": "-6", "k": "7"}, "result": "-42", "digits": 2}
    assert posted.json() == asked.json()
    assert world.client.head(f"{path}?n=-6&k=7", headers=world.bearer()).headers["etag"] == asked.headers["etag"]


def test_its_bounds_hold(world: World) -> None:
    document = assert_problem(world.get("/mul?n=1&k=0"), 422, "invalid-parameter")

    assert document["errors"] == [{"parameter": "k", "detail": "send an integer of at least 1"}]


def test_it_requires_a_token(world: World) -> None:
    assert_problem(world.client.get("/mul?n=1&k=1"), 401, "unauthorized")
    assert_problem(
        world.client.get("/mul?n=1&k=1", headers=world.bearer("bob", ("history",))), 403, "insufficient-scope"
    )


def test_it_is_cached_recorded_and_counted_under_its_name(world: World) -> None:
    labels = {"operation": "mul", "outcome": "ok", "cache": "miss"}
    before = REGISTRY.get_sample_value("mathops_operations_total", labels) or 0

    world.get("/product?n=6&k=7")

    assert list(world.cache.entries) == ["mathops:1:mul:6:7"]
    [row] = world.journal.records
    assert (row.operation, row.endpoint, row.result) == ("mul", "/product", "42")
    assert REGISTRY.get_sample_value("mathops_operations_total", labels) == before + 1


def test_it_is_described(world: World) -> None:
    document = world.client.get("/openapi.json").json()
    paths, components = document["paths"], document["components"]

    assert set(paths["/mul"]) == set(paths["/product"]) == {"get", "head", "post"}
    parameters = paths["/mul"]["get"]["parameters"]
    assert paths["/product"]["get"]["parameters"] == parameters
    assert [(parameter["name"], parameter["in"]) for parameter in parameters] == [("n", "query"), ("k", "query")]
    assert paths["/mul"]["post"]["requestBody"] == paths["/product"]["post"]["requestBody"]
    body = paths["/product"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["n", "k"]
    assert paths["/mul"]["get"]["responses"]["200"] == {"$ref": "#/components/responses/mul_result"}
    assert components["responses"]["mul_result"]["content"]["application/json"]["example"]["result"] == "42"


def test_it_has_a_form_on_the_page_with_its_words_escaped(world: World) -> None:
    page = world.client.get("/docs").text

    assert "GET /mul" in page
    assert "Also at <code>/product</code>" in page
    assert "n times k, &lt;exactly&gt; &amp; nothing else" in page
    assert "any &quot;integer&quot;" in page
    assert "<exactly>" not in page


def test_an_unregistered_operation_does_not_exist(make_world: Callable[..., World]) -> None:
    world = make_world()

    assert_problem(world.get("/mul?n=1&k=1"), 404, "not-found")
    assert "/mul" not in world.client.get("/openapi.json").json()["paths"]
