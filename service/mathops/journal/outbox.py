"""The journal as an outbox: unpublished rows, the published position, and the lease of the publishing relay."""

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update

from mathops.journal.database.engine import Database, WriteEngine
from mathops.journal.database.tables import dead_letters as letters
from mathops.journal.database.tables import relay, requests
from mathops.journal.rows import PUBLISHED_POSITION, SELECT_RECORDS, record_of
from mathops.models import timestamp
from mathops.ports import OutboxRow

_MAX_REASON_CHARACTERS = 500


class OutboxReader:
    """Reads rows to publish and dead letters."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = database.reader()
        self._settled = 0

    def close(self) -> None:
        self._reader.dispose()

    def fetch_after(self, position: int, limit: int) -> list[OutboxRow]:
        with self._reader.connect() as connection:
            if position >= self._settled:
                self._settled = self._database.settled(connection) or 0
            if position >= self._settled:
                return []
            query = SELECT_RECORDS.where(requests.c.seq > position, requests.c.seq <= self._settled)
            query = query.order_by(requests.c.seq).limit(limit)
            return [OutboxRow(row[0], record_of(row[1:])) for row in connection.execute(query)]

    def replay_range(self, moment: str) -> tuple[int, int]:
        """The position before the first row at or after `moment` (RFC 3339, UTC), and the published position."""
        first = select(func.min(requests.c.seq)).where(requests.c.timestamp >= moment).scalar_subquery()
        query = select(func.coalesce(first - 1, PUBLISHED_POSITION), PUBLISHED_POSITION)
        with self._reader.connect() as connection:
            start, end = connection.execute(query).one()
        return int(start), int(end)

    def dead_letters(self) -> list[tuple[int, str, str, str]]:
        """Sequence number, id, timestamp and reason of each."""
        query = select(letters.c.seq, letters.c.id, letters.c.timestamp, letters.c.reason).order_by(letters.c.seq)
        with self._reader.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]


class DatabaseOutbox(OutboxReader):
    """Implements ports.Outbox on the journal's database."""

    lease_seconds = 10.0

    def __init__(self, database: Database, owner: str) -> None:
        super().__init__(database)
        self._now = database.now
        # A position that a power failure sets back only repeats some events.
        self._writer = WriteEngine(database, durable=False)
        self._owner = owner

    def close(self) -> None:
        super().close()
        self._writer.close()

    @property
    def _lease_end(self) -> ColumnElement[float]:
        return self._now + self.lease_seconds

    def acquire_lease(self) -> int | None:
        free = or_(relay.c.owner == self._owner, relay.c.owner.is_(None), relay.c.lease_until < self._now)
        # A clock that was ahead and has been set back must not stop publishing.
        impossible = relay.c.lease_until > self._now + 2 * self.lease_seconds
        lease = update(relay).where(free | impossible).values(owner=self._owner, lease_until=self._lease_end)
        with self._writer.transaction() as connection:
            if not connection.execute(lease).rowcount:
                return None
            return int(connection.execute(select(relay.c.position)).scalar_one())

    def release(self) -> None:
        free = update(relay).where(relay.c.owner == self._owner).values(owner=None, lease_until=None)
        with self._writer.transaction() as connection:
            connection.execute(free)

    def advance(self, position: int, dead_letters: Sequence[tuple[OutboxRow, str]] = ()) -> bool:
        own = update(relay).where(relay.c.owner == self._owner, relay.c.position < position)
        move = own.values(position=position, lease_until=self._lease_end)
        with self._writer.transaction() as connection:
            if not connection.execute(move).rowcount:
                return False
            for row, reason in dead_letters:
                connection.execute(delete(letters).where(letters.c.seq == row.seq))
                letter = {"seq": row.seq, "id": row.record.id, "reason": reason[:_MAX_REASON_CHARACTERS]}
                connection.execute(insert(letters).values(timestamp=timestamp(time.time()), **letter))
            return True
