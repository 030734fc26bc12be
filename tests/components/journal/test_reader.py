"""Pages of history: the window that bounds their cost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from mathops.journal import reader
from mathops.journal.database.engine import database_of
from mathops.journal.reader import Reader
from mathops.journal.rows import Writer
from mathops.models import HistoryQuery, Record
from tests.support.records import json_lines, make_record

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def store(url: str, *records: Record) -> None:
    Writer(database_of(url)).commit(json_lines(*records), before_commit=lambda _: None)


def at(time: datetime, **values: Any) -> Record:
    return make_record(timestamp=f"{time:%Y-%m-%dT%H:%M:%S.%fZ}", **values)


def pages(url: str, **filters: Any) -> list[list[int]]:
    """The sequence numbers on each page of alice."""
    found, query = [], HistoryQuery(**filters)
    while True:
        page = Reader(database_of(url)).history("alice", query)
        found.append([seq for seq, _ in page.rows])
        if page.next is None:
            return found
        query = HistoryQuery(**filters, before=page.next)


def test_a_page_with_filters_ends_at_its_window_and_the_next_one_continues(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "WINDOW_ROWS", 3)
    store(url, *(make_record(operation="fib" if number in (2, 3, 9) else "pow") for number in range(1, 11)))

    assert pages(url, operation="fib") == [[9], [], [3, 2], []]
    assert pages(url, operation="fib", limit=1) == [[9], [], [3], [2]]
    assert pages(url) == [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]


def test_following_with_filters_skips_a_window_at_a_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WINDOW_ROWS", 3)
    store(url, *(make_record(operation="fib" if number == 8 else "pow") for number in range(1, 11)))

    found, cursor = [], 0
    for _ in range(5):
        page = Reader(database_of(url)).history("alice", HistoryQuery(operation="fib", after=cursor))
        cursor = page.newer
        found.append(([seq for seq, _ in page.rows], cursor))

    assert found == [([], 3), ([], 6), ([8], 9), ([], 10), ([], 10)]


def test_rows_older_than_since_end_the_search(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WINDOW_ROWS", 3)
    store(url, *(at(NOON - timedelta(days=1)) for _ in range(20)), at(NOON), at(NOON))

    assert pages(url, since=NOON) == [[22, 21]]


def test_a_row_stored_after_later_requests_is_found(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WINDOW_ROWS", 1)
    store(url, at(NOON), at(NOON - timedelta(minutes=50)), at(NOON + timedelta(minutes=1)))

    assert pages(url, since=NOON) == [[3], [], [1], []]


@pytest.mark.parametrize("filters", [{}, {"status": 599}, {"since": NOON}, {"status": 599, "after": 100}], ids=str)
@pytest.mark.parametrize("user", ["alice", None])
def test_every_statement_of_a_page_seeks_in_an_index(url: str, user: str | None, filters: dict[str, Any]) -> None:
    store(url, *(make_record(user=name) for name in ("alice", "bob") * 200))
    database = database_of(url)
    engine = database.reader()
    statements: list[tuple[str, Any]] = []
    event.listen(
        engine, "before_cursor_execute", lambda _, __, statement, values, *___: statements.append((statement, values))
    )
    query = HistoryQuery(limit=10, **filters)

    pages = Reader(database, engine)
    page = pages.all_users(query) if user is None else pages.history(user, query)

    assert bool(page.rows) == ("status" not in filters)
    plan = []
    with engine.connect() as connection:
        for statement, values in statements.copy():
            plan += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    index = "INDEX ix_requests_user_seq" if user else "INTEGER PRIMARY KEY"
    searches = [step for step in plan if " requests" in step]
    assert searches
    # Without a cursor, the window of all users starts at the end of the table.
    assert all(index in step or step == "SCAN requests" for step in searches)
    assert not any("TEMP B-TREE" in step for step in plan)
