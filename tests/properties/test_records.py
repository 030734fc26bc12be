"""A record survives JSON lines and rows unchanged, and matches its schema."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import create_engine

from mathops.journal.database.inserts import rows_of
from mathops.journal.database.sqlite import sqlite_module
from mathops.journal.database.tables import metadata, requests
from mathops.journal.rows import SELECT_RECORDS, record_of
from mathops.models import (
    FIELDS,
    MAX_PARAMETER_CHARACTERS,
    Record,
    encode_json,
    timestamp,
    truncate,
)
from mathops.operations import OPERATIONS
from mathops.schemas import event_schema
from tests.support.records import json_lines

VALIDATOR = Draft202012Validator(event_schema(), format_checker=FormatChecker())
ENGINE = create_engine("sqlite://", module=sqlite_module())
metadata.create_all(ENGINE)

# The text of requests; lone surrogates are replaced when a request is read.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
hexadecimal = "0123456789abcdef"
moments = st.floats(0, 2**32)

records = st.builds(
    Record,
    id=st.uuids().map(str),
    timestamp=moments.map(timestamp),
    user=st.none() | texts,
    operation=st.sampled_from([operation.name for operation in OPERATIONS]),
    endpoint=st.sampled_from([path for operation in OPERATIONS for path in operation.paths]),
    parameters=st.dictionaries(texts, texts, max_size=5).map(truncate),
    result=st.none() | st.integers().map(str),
    result_digits=st.none() | st.integers(1, 10**7),
    result_sha256=st.none() | st.text(hexadecimal, min_size=64, max_size=64),
    status=st.integers(200, 599),
    problem=st.none() | texts,
    cache=st.sampled_from(["hit", "miss", None]),
    duration_ms=st.floats(0, 10**6),
    request_id=st.text(st.characters(codec="ascii"), min_size=1, max_size=128),
    trace_id=st.none() | st.text(hexadecimal, min_size=32, max_size=32),
    traceparent=st.none() | st.from_regex(r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z"),
)


@given(records)
def test_json_gives_the_record_back_and_fits_the_schema(record: Record) -> None:
    text = encode_json(record)

    assert msgspec.json.decode(text, type=Record) == record
    VALIDATOR.validate(msgspec.json.decode(text))


@given(st.lists(records, max_size=3))
def test_json_lines_give_the_records_back(given: list[Record]) -> None:
    assert [record_of(row) for row in rows_of(json_lines(*given))] == given


@given(records)
def test_a_record_read_back_from_its_row_encodes_to_the_same_bytes(record: Record) -> None:
    with ENGINE.connect() as connection:
        connection.execute(requests.insert().values(dict(zip(FIELDS, *rows_of(json_lines(record)), strict=True))))
        row = connection.execute(SELECT_RECORDS).one()[1:]
        connection.rollback()

    assert encode_json(record_of(row)) == encode_json(record)


@given(
    records,
    st.sampled_from(
        [
            {"id": "7"},
            {"timestamp": 0},
            {"parameters": {"n": 5}},
            {"parameters": {"n": "5" * 257}},
            {"result": "007"},
            {"result": 32},
            {"result_digits": 0},
            {"status": 199},
            {"cache": "stale"},
            {"duration_ms": -1},
            {"trace_id": "00"},
            {"traceparent": "00-00-00-00"},
            {"version": 1},
            {"unheard": "of"},
        ]
    ),
)
def test_the_schema_rejects_an_invalid_record(record: Record, change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**msgspec.to_builtins(record), **change})


def test_the_schema_requires_every_member_and_names_no_other() -> None:
    document = event_schema()
    assert set(document["required"]) == set(document["properties"]) == set(Record.__struct_fields__)


@given(moments)
def test_a_timestamp_is_exact_to_the_microsecond(moment: float) -> None:
    text = timestamp(moment)

    assert len(text) == len("2026-01-01T00:00:00.000000Z")
    parsed = datetime.fromisoformat(text)
    assert parsed.tzinfo == UTC
    assert abs(parsed.timestamp() - moment) <= 2e-6


@given(moments, moments)
def test_timestamps_sort_as_text_as_their_moments_do(one: float, other: float) -> None:
    assume(one <= other)
    assert timestamp(one) <= timestamp(other)


@given(st.dictionaries(texts, texts))
def test_cutting_shortens_and_changes_nothing_else(parameters: dict[str, str]) -> None:
    once = truncate(parameters)

    assert all(len(text) <= MAX_PARAMETER_CHARACTERS for pair in once.items() for text in pair)
    assert truncate(once) == once
    for name, value in parameters.items():
        if len(name) <= MAX_PARAMETER_CHARACTERS:
            assert value.startswith(once[name])
