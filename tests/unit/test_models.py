import pytest

from mathops.models import timestamp, truncate
from mathops.schemas import event_schema


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (0.5, "1970-01-01T00:00:00.500000Z"),
        (951782400.25, "2000-02-29T00:00:00.250000Z"),
        (1767225599.999999, "2025-12-31T23:59:59.999999Z"),
    ],
)
def test_a_timestamp_is_rfc_3339_in_utc_with_microseconds(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_names_and_texts_are_cut_at_256_characters() -> None:
    assert truncate({"n": "1" * 256, "m" * 300: "2" * 257}) == {"n": "1" * 256, "m" * 256: "2" * 256}


def test_the_schema_is_named_by_its_version() -> None:
    assert event_schema()["$id"] == "urn:mathops:event:2"
    assert event_schema()["properties"]["version"]["const"] == 2
