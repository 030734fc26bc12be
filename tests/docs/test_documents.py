"""What is written about the code agrees with it."""

from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from docs.generate import DOCUMENTS

from mathops.models import FIELDS, Record, schema
from mathops.operations import OPERATIONS
from mathops.settings import Settings
from mathops.settings_source import env_name

DOCS = Path(__file__).parents[2] / "docs"
JSON_TYPES = {str: "string", int: "integer", float: "number", dict[str, str]: "object", type(None): "null"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == DOCUMENTS[name](), "run make docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"| `{env_name(name)}` | " in DOCUMENTS["configuration.md"]()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_in_the_documents(operation: Any) -> None:
    assert f"## mathops {operation.name}\n" in DOCUMENTS["cli.md"]()
    assert all(f'"{path}": {{' in DOCUMENTS["openapi.json"]() for path in operation.paths)


def test_the_event_schema_names_the_fields_of_a_record_in_their_order() -> None:
    assert tuple(schema()["properties"]) == FIELDS
    assert tuple(schema()["required"]) == FIELDS
    assert schema()["additionalProperties"] is False


@pytest.mark.parametrize("field", FIELDS)
def test_the_event_schema_has_the_type_of_each_field(field: str) -> None:
    described = schema()["properties"][field]
    hint = get_type_hints(Record)[field]
    types = {JSON_TYPES[kind] for kind in (get_args(hint) if field != "parameters" else ()) or (hint,)}

    if "enum" in described or "const" in described:
        values = described.get("enum", [described.get("const")])
        assert {JSON_TYPES[type(value)] for value in values} == types
    else:
        named = described["type"]
        assert set(named if isinstance(named, list) else [named]) == types
