"""Generated documents agree with the code."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from docs.generate import DOCUMENTS

from mathops.identity.issuers.issuers_file import Grant, Issuer, SignIn
from mathops.models import FIELDS
from mathops.operations import OPERATIONS
from mathops.schemas import event_schema
from mathops.settings import Settings
from mathops.settings_source import env_name

DOCS = Path(__file__).parents[2] / "docs"


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


def test_the_event_schema_names_the_members_of_a_record_in_their_order() -> None:
    assert tuple(event_schema()["properties"]) == FIELDS
    assert tuple(event_schema()["required"]) == FIELDS
    assert event_schema()["additionalProperties"] is False


@pytest.mark.parametrize("member", FIELDS)
def test_the_event_schema_describes_each_member(member: str) -> None:
    assert event_schema()["properties"][member]["description"]


@pytest.mark.parametrize("kind", [Issuer, Grant, SignIn])
def test_the_page_of_issuers_describes_each_member(kind: type[msgspec.Struct]) -> None:
    properties = msgspec.json.schema_components([kind])[1][kind.__name__]["properties"]
    rows = [_member_row(name, schema) for name, schema in properties.items()]

    assert "\n".join(rows) in (DOCS / "issuers.md").read_text(encoding="utf-8")


def _member_row(name: str, schema: dict[str, Any]) -> str:
    default = schema.get("default", "")
    text = f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default).replace("False", "false")
    shown = f" `{text}` " if text else " "
    return f"| `{name}` |{shown}| {schema['description']} |"
