"""The request log of a running server."""

import json
from collections import Counter
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from mathops.models import FIELDS
from mathops.schemas import event_schema
from tests.support.load import Load
from tests.support.server import Server

pytestmark = pytest.mark.measured


def test_it_holds_each_record_of_the_journal_once_with_two_workers_and_rotation(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(MATHOPS_WORKERS="2", MATHOPS_LOG_FILE_BYTES="20000", MATHOPS_LOG_FILE_BACKUPS="1000")
    with Load(server, callers=6) as load:
        server.client.get("/pow?base=2&exp=-1", headers=server.login())
        server.client.get("/fact?n=5000", headers=server.login())
        load.more(300)
    assert server.stop() == 0

    files = [path for path in (server.folder / "data").glob("requests.log*") if path.suffix != ".lock"]
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    rows = [dict(zip(FIELDS, row, strict=True)) for row in server.rows(", ".join(f'"{name}"' for name in FIELDS))]
    for row in rows:
        row["parameters"] = json.loads(row["parameters"])
    assert len(files) > 5
    assert Counter(line["id"] for line in lines) == Counter(row["id"] for row in rows)
    assert sorted(lines, key=lambda line: line["id"]) == sorted(rows, key=lambda row: row["id"])
    assert load.acknowledged <= {line["request_id"] for line in lines}
    validator = Draft202012Validator(event_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []
