"""The OpenAPI document compared with the responses of the service."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mathops.errors import problem_types
from tests.components.web.openapi import resolve, validate
from tests.conftest import World


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    response = world.client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    described: dict[str, Any] = response.json()
    return described


def schemas(part: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("schema"), dict):
            yield part["schema"]
        for value in part.values():
            yield from schemas(value)
    elif isinstance(part, list):
        for value in part:
            yield from schemas(value)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_schema_is_valid(document: dict[str, Any]) -> None:
    found = list(schemas(document)) + list(document["components"]["schemas"].values())

    assert len(found) > 40
    for schema in found:
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_to_a_component_and_every_component_is_used(document: dict[str, Any]) -> None:
    components = document["components"]
    kinds = components.keys() - {"securitySchemes"}
    available = {f"#/components/{kind}/{name}" for kind in kinds for name in components[kind]}
    unreferenced = {"#/components/responses/problem_405"}

    assert set(references(document)) | unreferenced == available


def test_every_operation_has_an_id_of_its_own_and_a_summary(document: dict[str, Any]) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] for operation in operations)


@pytest.mark.parametrize(
    ("path", "scopes"),
    [("/pow", ["math:pow", "math"]), ("/factorial", ["math:fact", "math"]), ("/history", ["history"])],
)
def test_paths_that_require_a_token_name_their_scopes(document: dict[str, Any], path: str, scopes: list[str]) -> None:
    for operation in document["paths"][path].values():
        assert operation["security"] == [{"bearer": [scope]} for scope in scopes]
        assert {"401", "403", "429"} <= set(operation["responses"])


def test_exactly_the_public_paths_have_no_security(document: dict[str, Any], world: World) -> None:
    for path, methods in document["paths"].items():
        if "get" in methods:
            needs = world.client.get(path).status_code == 401
            assert ("security" in methods["get"]) == needs, path


CASES = [
    ("get", "/fib", "/fib?n=10", {}, 200),
    ("get", "/fib", "/fib?n=x", {}, 422),
    ("get", "/fib", "/fib?n=99999999999", {}, 422),
    ("get", "/fib", "/fib?n=%FF", {}, 400),
    ("get", "/fib", "/fib?n=1", {"Accept": "image/png"}, 406),
    ("get", "/fib", "/fib?n=1", {"If-Match": '"other"'}, 412),
    ("get", "/fib", "/fib?n=1", {"Authorization": ""}, 401),
    ("get", "/fib", "/fib?n=" + "9" * 9000, {}, 414),
    ("get", "/fib", "/fib?n=1", {"X-Long": "x" * 40000}, 431),
    ("get", "/history", "/history", {}, 200),
    ("get", "/history", "/history?limit=0", {}, 422),
    ("post", "/pow", "/pow", {"Content-Type": "text/csv"}, 415),
    ("post", "/pow", "/pow", {"Content-Type": "application/json"}, 400),
    ("get", "/readyz", "/readyz", {}, 200),
    ("get", "/livez", "/livez", {}, 200),
    ("get", "/.well-known/jwks.json", "/.well-known/jwks.json", {}, 200),
    ("post", "/token", "/token", {}, 404),
    ("post", "/introspect", "/introspect", {}, 404),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[4]}")
def test_a_response_matches_the_document(
    world: World, document: dict[str, Any], case: tuple[str, str, str, dict[str, str], int]
) -> None:
    method, path, target, headers, status = case
    response = world.client.request(method, target, headers={**world.bearer(), **headers})

    assert response.status_code == status
    described = resolve(document, document["paths"][path][method]["responses"][str(status)])
    media_type = response.headers["content-type"].partition(";")[0]
    validate(document, described["content"][media_type]["schema"], response.json())


def test_every_problem_of_an_operation_is_described(document: dict[str, Any]) -> None:
    elsewhere = {"not-found", "method-not-allowed"}
    statuses = {str(error.status) for slug, error in problem_types().items() if slug not in elsewhere}

    described = {method: set(document["paths"]["/pow"][method]["responses"]) for method in ("get", "post")}
    assert statuses <= described["get"] | described["post"]
    # POST has neither an entity tag nor ranges.
    assert statuses - described["post"] == {"412", "416"}


def test_the_type_of_a_problem_is_an_open_string_with_the_known_types_as_examples(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["Problem"]["properties"]["type"]

    assert described["type"] == "string"
    assert "enum" not in described
    assert set(described["examples"]) == {f"/problems/{slug}" for slug in problem_types()}


def test_a_problem_may_have_members_that_are_not_described(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"].get("additionalProperties", True) is True


@pytest.mark.parametrize("path", ["/pow", "/fib", "/fact"])
def test_head_is_described_as_get_without_content(document: dict[str, Any], path: str) -> None:
    methods = document["paths"][path]

    # Ranges are defined for GET only.
    assert set(methods["head"]["responses"]) == set(methods["get"]["responses"]) - {"206", "416"}
    assert not any("content" in resolve(document, response) for response in methods["head"]["responses"].values())


def test_examples_are_responses_of_the_service(world: World, document: dict[str, Any]) -> None:
    for path in ("/pow", "/fib", "/fact"):
        described = document["paths"][path]["get"]
        query = {parameter["name"]: parameter["example"] for parameter in described["parameters"]}

        response = world.client.get(path, params=query, headers=world.bearer())

        result = resolve(document, described["responses"]["200"])
        assert response.json() == result["content"]["application/json"]["example"]
