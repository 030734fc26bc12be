"""Documents about the service."""

import pytest
from jsonschema import Draft202012Validator

from mathops.schemas import event_schema
from tests.conftest import World


def test_the_schema_of_events_is_valid_and_the_one_of_the_records(world: World) -> None:
    response = world.client.get("/event.schema.json")

    assert response.headers["content-type"] == "application/schema+json"
    assert response.json() == event_schema()
    Draft202012Validator.check_schema(response.json())


@pytest.mark.parametrize("path", ["/openapi.json", "/event.schema.json"])
def test_documents_are_cacheable(world: World, path: str) -> None:
    assert world.client.get(path).headers["cache-control"] == "public, max-age=300"
