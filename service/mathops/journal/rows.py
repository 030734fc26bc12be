"""Rows of the journal, read and written through SQLAlchemy; synchronous."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, Select, and_, delete, func, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite

from mathops.journal import database
from mathops.journal.tables import relay, requests
from mathops.models import FIELDS, Record, timestamp
from mathops.ports import JournalPage

COLUMNS = [requests.c[name] for name in FIELDS]
_SELECT = select(requests.c.seq, *COLUMNS)
_PARAMETERS = FIELDS.index("parameters")
# Writes nothing new, and yet only where writing is possible.
_PROBE = "UPDATE relay SET position = position"
# Rows deleted in one transaction, so that requests never wait long behind retention.
_DELETE_BATCH_ROWS = 500


class OutboxStats(NamedTuple):
    """Rows no broker has yet, and the timestamp of the oldest."""

    pending: int
    oldest: str | None


class Reader:
    """Reads records."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def history(self, user: str, limit: int, before: int | None = None) -> JournalPage:
        """Records of `user`, newest first."""
        return self._page(_SELECT.where(requests.c.user == user), limit, before)

    def everyone(self, limit: int, before: int | None = None) -> JournalPage:
        """Records of all users, newest first; for who runs the service."""
        return self._page(_SELECT, limit, before)

    def _page(self, query: Select[Any], limit: int, before: int | None) -> JournalPage:
        if before is not None:
            query = query.where(requests.c.seq < before)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(requests.c.seq.desc()).limit(limit + 1)).all()
        return JournalPage([(row[0], record_of(row[1:])) for row in rows[:limit]], len(rows) > limit)


class Writer:
    """Commits records, each once, however often it is given."""

    def __init__(self, url: str) -> None:
        self._engine = database.writer_engine(url)
        self._lock = database.write_lock(url)
        self._connection: Connection | None = None
        dialect = sqlite if database.is_sqlite(url) else postgresql
        # Compiled once: Core's own path costs more per row than SQLite does.
        insert = dialect.insert(requests).on_conflict_do_nothing(index_elements=["id"]).inline()
        compiled = insert.compile(dialect=self._engine.dialect, column_keys=list(FIELDS))
        self._insert = str(compiled)
        self._begin = database.begin(url)
        self._row: Callable[[Record], Any] = _row if compiled.positional else _named_row

    def commit(self, records: Sequence[Record], before_commit: Callable[[], None]) -> None:
        """Store all records in one transaction; without any it proves that the journal can be written.

        Raises the driver's own errors and those of `before_commit`.
        """
        rows = [self._row(record) for record in records]
        with self._connected() as connection:
            # By the driver: what Core does around a transaction costs as much as SQLite's part of it.
            driver = connection.connection
            cursor = driver.cursor()
            cursor.execute(self._begin)
            if rows:
                cursor.executemany(self._insert, rows)
            else:
                cursor.execute(_PROBE)
            before_commit()
            driver.commit()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection under the lock; after a fault the next one is new, and what was begun is undone."""
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._engine.connect()
                yield self._connection
        except Exception:
            if self._connection is not None:
                self._connection.invalidate()
                self._connection = None
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def outbox(self) -> OutboxStats:
        """What waits for a broker."""
        oldest = select(requests.c.timestamp).where(requests.c.seq > _position()).order_by(requests.c.seq).limit(1)
        first = select(func.coalesce(func.min(requests.c.seq) - 1, 0)).scalar_subquery()
        last = select(func.coalesce(func.max(requests.c.seq), 0)).scalar_subquery()
        with self._connected() as connection, connection.begin():
            position, start, end = connection.execute(select(_position(), first, last)).one()
            return OutboxStats(max(0, end - max(position, start)), connection.execute(oldest).scalar())

    def delete_expired(self, days: float, rows: int, *, published: bool = False) -> int:
        """Delete one batch of rows that are too old or too many (0: no limit), or only those `published`.

        Gives how many.
        """
        # Rows come in the order of time, near enough: to look at the oldest batch alone spares an index.
        oldest = (
            select(requests.c.seq, requests.c.timestamp).order_by(requests.c.seq).limit(_DELETE_BATCH_ROWS).subquery()
        )
        limits = []
        if days:
            limits.append(oldest.c.timestamp < timestamp((datetime.now(UTC) - timedelta(days=days)).timestamp()))
        if rows:
            limits.append(oldest.c.seq <= select(func.max(requests.c.seq) - rows).scalar_subquery())
        if not limits:
            return 0
        with self._connected() as connection, connection.begin():
            allowed = oldest.c.seq <= _position() if published else true()
            unwanted = select(oldest.c.seq).where(and_(or_(*limits), allowed))
            return connection.execute(delete(requests).where(requests.c.seq.in_(unwanted))).rowcount


def _position() -> Any:
    return select(relay.c.position).scalar_subquery()


def _row(record: Record) -> tuple[Any, ...]:
    values: list[Any] = list(msgspec.structs.astuple(record))
    values[_PARAMETERS] = msgspec.json.encode(record.parameters).decode()
    return tuple(values)


def _named_row(record: Record) -> dict[str, Any]:
    return dict(zip(FIELDS, _row(record), strict=True))


def record_of(row: Sequence[Any]) -> Record:
    """The record of a row of COLUMNS."""
    values = list(row)
    values[_PARAMETERS] = msgspec.json.decode(values[_PARAMETERS])
    return Record(*values)
