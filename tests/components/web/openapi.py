"""Components and schemas of the OpenAPI document."""

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The component that `part` refers to, or `part`."""
    if "$ref" not in part:
        return part
    found = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def validate(document: dict[str, Any], schema: dict[str, Any], instance: Any) -> None:
    registry: Registry[Any] = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(document))
    rooted = {"$ref": "urn:openapi" + schema["$ref"]} if "$ref" in schema else schema
    Draft202012Validator(rooted, registry=registry).validate(instance)
