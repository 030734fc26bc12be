"""JSON Schemas of the JSON documents, for OpenAPI and for the consumers of events."""

from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from mathops.models import FIELDS, SCHEMA_VERSION, Record


@cache
def schemas(documents: tuple[type[Struct], ...], ref_template: str = "#/$defs/{name}") -> dict[str, dict[str, Any]]:
    """JSON Schemas of documents and of the documents inside them, by name."""
    _, components = msgspec.json.schema_components(documents, ref_template=ref_template)
    if Record.__name__ in components:
        # A record always has all members; decoders accept unknown ones, so that a newer service can be read.
        components[Record.__name__] |= {"required": list(FIELDS), "additionalProperties": False}
    return components


def event_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mathops:event:{SCHEMA_VERSION}",
        **schemas((Record,))[Record.__name__],
        "title": "mathops request",
    }
