import json
import time
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mathops.cli.history_command import arriving, newest, read
from mathops.journal import maintenance
from mathops.journal.database import schema
from mathops.journal.database.engine import database_of
from mathops.journal.rows import Writer
from mathops.models import HistoryQuery, Record, timestamp
from tests.support.records import json_lines
from tests.unit.cli.conftest import Run

Store = Callable[..., None]


def record(number: int, user: str | None = "alice", **values: Any) -> Record:
    fields: dict[str, Any] = {
        "id": f"id-{number}",
        "timestamp": f"2026-01-01T00:00:{number:02}.000000Z",
        "user": user,
        "operation": "pow",
        "endpoint": "/pow",
        "parameters": {"base": "2", "exp": str(number)},
        "result": str(2**number),
        "result_digits": len(str(2**number)),
        "result_sha256": None,
        "status": 200,
        "problem": None,
        "cache": "miss",
        "duration_ms": 0.5,
        "request_id": f"request-{number}",
        "trace_id": None,
        "traceparent": None,
    }
    return Record(**{**fields, **values})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    url = f"sqlite:///{tmp_path / 'mathops.db'}"
    schema.upgrade(url)

    def store(*records: Record) -> None:
        with closing(Writer(database_of(url))) as writer:
            writer.commit(json_lines(*records), lambda _: None)

    return store


def test_records_of_all_users_are_listed_newest_first(run: Run, store: Store) -> None:
    store(record(1), record(2, "bob"), record(3, None, result=None, status=401, problem="unauthorized"))

    lines = [line.split() for line in run("history").stdout.splitlines()]

    assert lines == [
        ["TIME", "USER", "OPERATION", "PARAMETERS", "STATUS", "RESULT"],
        ["2026-01-01T00:00:03.000000Z", "-", "pow", "base=2", "exp=3", "401", "unauthorized"],
        ["2026-01-01T00:00:02.000000Z", "bob", "pow", "base=2", "exp=2", "200", "4"],
        ["2026-01-01T00:00:01.000000Z", "alice", "pow", "base=2", "exp=1", "200", "2"],
    ]


def test_user_selects_the_records_of_one_user(run: Run, store: Store) -> None:
    store(record(1), record(2, "bob"), record(3))

    records = json.loads(run("history", "--user", "alice", "--json").stdout)["records"]

    assert [entry["id"] for entry in records] == ["id-3", "id-1"]
    assert records[0]["parameters"] == {"base": "2", "exp": "3"}


def test_limit_bounds_the_number_of_records(run: Run, store: Store) -> None:
    store(*map(record, range(1, 9)))

    assert len(json.loads(run("history", "--limit", "3", "--json").stdout)["records"]) == 3


def test_a_long_result_is_shown_as_its_number_of_digits(run: Run, store: Store) -> None:
    store(record(1, result="1" * 41, result_digits=41), record(2, result=None, result_digits=5000))

    lines = run("history").stdout.splitlines()

    assert lines[1].rstrip().endswith("5000 digits")
    assert lines[2].rstrip().endswith("41 digits")


def test_control_characters_in_parameters_are_escaped(run: Run, store: Store) -> None:
    store(record(1, parameters={"base": "\x1b]0;title\x07", "exp": "\n"}))

    text = run("history").stdout

    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_user_with_url_is_a_usage_error(run: Run) -> None:
    assert run("history", "--url", "http://localhost", "--user", "bob").exit_code == 2


def shown(run: Run, *options: str) -> list[str]:
    result = run("history", "--json", *options)
    assert result.exit_code == 0, result.stderr
    return [entry["id"] for entry in json.loads(result.stdout)["records"]]


def test_filters_select_records_of_all_users_or_of_one(run: Run, store: Store) -> None:
    failed: dict[str, Any] = {"status": 422, "problem": "invalid-parameter", "result": None}
    store(record(1), record(2, "bob", **failed), record(3, operation="fib"), record(4, **failed))

    assert shown(run, "--operation", "fib") == ["id-3"]
    assert shown(run, "--status", "422") == shown(run, "--outcome", "error") == ["id-4", "id-2"]
    assert shown(run, "--outcome", "invalid-parameter", "--user", "bob") == ["id-2"]
    assert shown(run, "--outcome", "ok", "--limit", "1") == ["id-3"]
    assert shown(run, "--since", "2026-01-01T00:00:03Z", "--operation", "pow") == ["id-4"]


def test_since_may_be_a_date_or_an_age(run: Run, store: Store) -> None:
    now = timestamp(time.time())
    store(record(1), record(2, timestamp=now), record(3, timestamp=now))

    assert shown(run, "--since", "2026-01-02") == shown(run, "--since", "15m") == ["id-3", "id-2"]
    assert shown(run, "--since", "2026-01-01") == ["id-3", "id-2", "id-1"]


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--status", "ok", "write an HTTP status from 200 to 599"),
        ("--status", "600", "write an HTTP status from 200 to 599"),
        ("--operation", "POW", "write the name of an operation, such as pow"),
        ("--outcome", "5xx", "write an outcome"),
        ("--since", "yesterday", "write the earliest time"),
        ("--since", "2026", "write the earliest time"),
        ("--since", "2026-01-01T00:00:00", "write the earliest time"),
        ("--since", "5w", "write the earliest time"),
    ],
)
def test_an_invalid_filter_is_a_usage_error_that_says_what_to_write(
    run: Run, option: str, value: str, text: str
) -> None:
    result = run("history", option, value)

    assert result.exit_code == 2
    assert text in result.stderr


def test_more_records_than_a_page_has_are_listed(run: Run, store: Store) -> None:
    store(*(record(1, id=f"id-{number}") for number in range(450)))

    assert shown(run, "--limit", "449") == [f"id-{number}" for number in range(449, 0, -1)]


def test_new_records_follow_in_the_order_of_their_storage(store: Store, tmp_path: Path) -> None:
    store(record(1), record(2, "bob"), record(3))
    with maintenance.reading(f"sqlite:///{tmp_path / 'mathops.db'}") as reader:
        page = read(reader, "alice", HistoryQuery(limit=2))
        store(record(4), record(5, "bob"), *map(record, range(6, 10)))
        following = islice(arriving(page), 5)

        assert [entry.id for entry in newest(page, 10)] == ["id-3", "id-1"]
        assert [entry.id for entry in following] == ["id-4", "id-6", "id-7", "id-8", "id-9"]
