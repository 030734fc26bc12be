"""The rows of the journal, written through SQLAlchemy; synchronous."""

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, delete, func, select

from mathops.journal.database.engine import Database, WriteEngine
from mathops.journal.database.tables import relay, requests
from mathops.models import FIELDS, SCHEMA_VERSION, Record, timestamp

SELECT_RECORDS = select(requests.c.seq, *(requests.c[name] for name in FIELDS))
_AGES = select(requests.c.seq, requests.c.timestamp).order_by(requests.c.seq)
_PARAMETERS, _VERSION = FIELDS.index("parameters"), FIELDS.index("version")
PUBLISHED_POSITION: Any = select(relay.c.position).scalar_subquery()
# The row of a check, rolled back to a savepoint.
_PROBE = dict.fromkeys(("id", "timestamp", "operation", "endpoint", "request_id"), "probe")
_PROBE_LINE = msgspec.json.encode({name: _PROBE.get(name, 0) for name in FIELDS})
# Changes nothing, but must be committed.
_TOUCH = "UPDATE relay SET position = position"
# Small transactions, so that requests never wait long for retention.
_DELETE_BATCH_ROWS = 500
_DAY_SECONDS = 86_400
# After a lost connection a commit is attempted again, but not after this time: the next ones would wait too.
_ATTEMPTS, _RETRY_SECONDS = 3, 1.0


class OutboxStats(NamedTuple):
    """The number of unpublished rows and the timestamp of the oldest."""

    pending: int
    oldest: str | None


class Writer:
    """Commits each record once, however often it is given."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._engine = WriteEngine(database)
        self._clock = clock
        self.close = self._engine.close
        self._insert = database.inserts(self._engine.dialect).insert

    def commit(self, lines: bytes, before_commit: Callable[[bytes], None]) -> None:
        """Insert records, one JSON line each, in one transaction; without lines a row is inserted and removed.

        Raises the driver's errors and those of `before_commit(lines)`.
        """
        deadline = time.monotonic() + _RETRY_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._insert_lines(lines, before_commit)
                break
            except Exception:
                if attempt == _ATTEMPTS or not self._engine.lost_connection or time.monotonic() > deadline:
                    raise

    def _insert_lines(self, lines: bytes, before_commit: Callable[[bytes], None]) -> None:
        with self._engine.driver_transaction() as cursor:
            if lines:
                self._insert(cursor, lines)
            else:
                cursor.execute("SAVEPOINT probe")
                self._insert(cursor, _PROBE_LINE)
                cursor.execute("ROLLBACK TO SAVEPOINT probe")
                cursor.execute(_TOUCH)
            before_commit(lines)

    def outbox(self) -> OutboxStats:
        first = select(func.coalesce(func.min(requests.c.seq) - 1, 0)).scalar_subquery()
        last = select(func.coalesce(func.max(requests.c.seq), 0)).scalar_subquery()
        with self._engine.transaction() as connection:
            position, start, end = connection.execute(select(PUBLISHED_POSITION, first, last)).one()
            oldest = select(requests.c.timestamp).where(requests.c.seq > position).order_by(requests.c.seq).limit(1)
            return OutboxStats(max(0, end - max(position, start)), connection.execute(oldest).scalar())

    def delete_expired(self, days: float, rows: int, *, keep_unpublished: bool = False) -> int:
        """Delete one batch of rows older than `days` or beyond the newest `rows` (0: no limit); return their number."""
        if not days and not rows:
            return 0
        with self._engine.transaction() as connection:
            # Rows are almost in the order of time: looking only at the oldest ones saves an index.
            oldest = connection.execute(_AGES.limit(_DELETE_BATCH_ROWS)).all()
            last, published = connection.execute(select(func.max(requests.c.seq), PUBLISHED_POSITION)).one()
            expired = [seq for seq, _ in oldest if rows and seq <= last - rows]
            if days:
                expired += self._too_old(connection, oldest, last, days)
            if keep_unpublished:
                expired = [seq for seq in expired if seq <= published]
            if not expired:
                return 0
            return connection.execute(delete(requests).where(requests.c.seq.in_(expired))).rowcount

    def _too_old(self, connection: Connection, oldest: Sequence[Row[int, str]], last: int, days: float) -> list[int]:
        """The rows among `oldest` that were stored more than `days` ago.

        A timestamp in the future is that of a clock that was ahead: its row is as old as the next one with another.
        """
        now = self._clock()
        limit, present = timestamp(now - days * _DAY_SECONDS), timestamp(now)
        later = max((row.seq for row in oldest if row.timestamp < limit), default=0)
        if any(row.timestamp > present for row in oldest):
            row = _first_until(present, connection, oldest[-1].seq, last)
            later = row.seq if row and row.timestamp < limit else later
        return [row.seq for row in oldest if row.timestamp < limit or (row.timestamp > present and row.seq < later)]


def _first_until(present: str, connection: Connection, start: int, end: int) -> Row[int, str] | None:
    """The first row after those from `start` on that have a timestamp after `present`."""

    def row_at(seq: int) -> Row[int, str]:
        return connection.execute(_AGES.where(requests.c.seq >= seq).limit(1)).one()

    numbers = range(start, end + 1)
    place = bisect_left(numbers, True, key=lambda seq: row_at(seq).timestamp <= present)
    return row_at(numbers[place]) if place < len(numbers) else None


def record_of(row: Sequence[Any]) -> Record:
    """The record with the values of FIELDS in `row`."""
    values = list(row)
    values[_PARAMETERS] = msgspec.json.decode(values[_PARAMETERS])
    # Rows of earlier releases are read in the current form.
    values[_VERSION] = SCHEMA_VERSION
    return Record(*values)
