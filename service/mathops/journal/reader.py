"""Pages of records, newest first, at a cost that does not grow with the journal.

A page looks through a window of rows next to its cursor, which the index (user, seq) or the primary key delimits. The
next page continues at the end of the window, also if no row of the window meets the filters.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, Engine, func, select, true

from mathops.journal.database.engine import Database
from mathops.journal.database.tables import requests
from mathops.journal.rows import SELECT_RECORDS, record_of
from mathops.models import HistoryFilters, HistoryQuery
from mathops.ports import JournalPage

# About 20 ms.
WINDOW_ROWS = 10_000
# Rows are almost in the order of time: a row has the time of its request, and clocks differ.
_DISORDER = timedelta(hours=1)
_columns = requests.c


class Reader:
    """Reads pages of records."""

    def __init__(self, database: Database, engine: Engine | None = None) -> None:
        """`engine` reads a file in another way than `database.reader()`."""
        self._engine = engine or database.reader()
        self._settled = database.settled
        self.close = self._engine.dispose

    def history(self, user: str, query: HistoryQuery) -> JournalPage:
        return self._page(_columns.user == user, query)

    def all_users(self, query: HistoryQuery) -> JournalPage:
        """Records of all users; for operators only."""
        return self._page(true(), query)

    def _page(self, owned: ColumnElement[bool], query: HistoryQuery) -> JournalPage:
        filters = list(_conditions(query))
        forwards = query.after is not UNSET
        window = [owned, *_cursors(query)]
        size = WINDOW_ROWS if filters else query.limit + 1
        order = _columns.seq.asc() if forwards else _columns.seq.desc()
        empty = JournalPage([], None, query.after if query.after is not UNSET else 0)
        with self._engine.connect() as connection:
            if query.before is UNSET:
                # The next newer page continues after this one, so that no row may appear before its last one.
                settled = self._settled(connection)
                if settled is not None:
                    window.append(_columns.seq <= settled)
                elif forwards:
                    return empty
            rows_in_window = select(_columns.seq).where(*window).order_by(order).limit(size).subquery().c.seq
            bounds = select(func.min(rows_in_window), func.max(rows_in_window), func.count())
            first, last, count = connection.execute(bounds).one()
            if not count:
                return empty
            records = SELECT_RECORDS.where(owned, _columns.seq.between(first, last), *filters).order_by(order)
            found = connection.execute(records.limit(query.limit + 1)).all()
            is_last = count < size or _is_before(connection, first, query)
        rows = [(row[0], record_of(row[1:])) for row in found[: query.limit]]
        more = len(found) > query.limit
        if forwards:
            return JournalPage(rows[::-1], rows[0][0] if rows else None, rows[-1][0] if more else last)
        following = None if is_last else first
        return JournalPage(rows, rows[-1][0] if more else following, last)


def _cursors(query: HistoryQuery) -> Iterator[ColumnElement[bool]]:
    if query.before is not UNSET:
        yield _columns.seq < query.before
    if query.after is not UNSET:
        yield _columns.seq > query.after


def _conditions(filters: HistoryFilters) -> Iterator[ColumnElement[bool]]:
    if filters.operation is not UNSET:
        yield _columns.operation == filters.operation
    if filters.status is not UNSET:
        yield _columns.status == filters.status
    if filters.outcome is not UNSET:
        problem = _columns.problem
        special = {"ok": problem.is_(None), "error": problem.is_not(None)}
        yield special.get(filters.outcome, problem == filters.outcome)
    if filters.since is not UNSET:
        yield _columns.timestamp >= _utc(filters.since)


def _is_before(connection: Connection, seq: int, filters: HistoryFilters) -> bool:
    """Whether no row up to `seq` can meet the filter `since`."""
    if filters.since is UNSET:
        return False
    timestamp: Any = connection.scalar(select(_columns.timestamp).where(_columns.seq == seq))
    return timestamp is not None and datetime.fromisoformat(timestamp) < _bounded(filters.since) - _DISORDER


def _utc(time: datetime) -> str:
    """`time` in the form of the column."""
    return f"{_bounded(time):%Y-%m-%dT%H:%M:%S.%fZ}"


def _bounded(time: datetime) -> datetime:
    """`time` in UTC; a time that a row cannot have becomes the nearest one that it can."""
    earliest, latest = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    return min(max(time, earliest), latest).astimezone(UTC)
