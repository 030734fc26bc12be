"""The journal as outbox: unpublished rows, the published position, and the lease of the publishing relay."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from mathops.journal import database, tables
from mathops.journal.rows import COLUMNS, record_of
from mathops.journal.tables import relay, requests
from mathops.models import timestamp
from mathops.ports import OutboxRow

LEASE_SECONDS = 10.0


class OutboxCursor:
    """Implements ports.Outbox on the journal's database."""

    lease_seconds = LEASE_SECONDS

    def __init__(self, url: str, owner: str) -> None:
        self._reader = database.reader_engine(url)
        # A cursor that a power cut sets back only repeats some events.
        self._writer = database.writer_engine(url, durable=False)
        self._lock = database.write_lock(url)
        self._owner = owner

    def close(self) -> None:
        """Close the connections."""
        self._reader.dispose()
        self._writer.dispose()

    def acquire_lease(self) -> int | None:
        """Take or renew the lease; gives the cursor, or None while another relay has it."""
        now = time.time()
        free = or_(relay.c.owner == self._owner, relay.c.owner.is_(None), relay.c.lease_until < now)
        lease = update(relay).where(free).values(owner=self._owner, lease_until=now + LEASE_SECONDS)
        with self._lock, self._writer.begin() as connection:
            if not connection.execute(lease).rowcount:
                return None
            return int(connection.execute(select(relay.c.position)).scalar_one())

    def release(self) -> None:
        """Let another relay go on at once."""
        mine = update(relay).where(relay.c.owner == self._owner)
        with self._lock, self._writer.begin() as connection:
            connection.execute(mine.values(owner=None, lease_until=None))

    def fetch_after(self, position: int, limit: int) -> list[OutboxRow]:
        """The oldest rows beyond `position`."""
        query = select(requests.c.seq, *COLUMNS).where(requests.c.seq > position).order_by(requests.c.seq).limit(limit)
        with self._reader.connect() as connection:
            return [OutboxRow(row[0], record_of(row[1:])) for row in connection.execute(query)]

    def published_since(self, moment: str) -> tuple[int, int]:
        """The place before the first row of `moment` (RFC 3339, UTC) or later, and the last that was published."""
        position = select(relay.c.position).scalar_subquery()
        first = select(func.min(requests.c.seq)).where(requests.c.timestamp >= moment).scalar_subquery()
        with self._reader.connect() as connection:
            start, end = connection.execute(select(func.coalesce(first - 1, position), position)).one()
        return int(start), int(end)

    def dead_letters(self) -> list[tuple[int, str, str, str]]:
        """Events that were set aside: place, id, time, reason."""
        letters = tables.dead_letters.c
        query = select(letters.seq, letters.id, letters.timestamp, letters.reason).order_by(letters.seq)
        with self._reader.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def advance(self, position: int, dead_letters: Sequence[tuple[OutboxRow, str]] = ()) -> bool:
        """Move to `position` and store `dead_letters` with their reasons; False when the lease was lost."""
        mine = update(relay).where(relay.c.owner == self._owner, relay.c.position < position)
        move = mine.values(position=position, lease_until=time.time() + LEASE_SECONDS)
        with self._lock, self._writer.begin() as connection:
            if not connection.execute(move).rowcount:
                return False
            if dead_letters:
                seqs = [row.seq for row, _ in dead_letters]
                connection.execute(delete(tables.dead_letters).where(tables.dead_letters.c.seq.in_(seqs)))
                values = [_dead_letter(row, reason) for row, reason in dead_letters]
                connection.execute(insert(tables.dead_letters), values)
            return True


def _dead_letter(row: OutboxRow, reason: str) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": row.record.id,
        "reason": reason[:500],
        "timestamp": timestamp(time.time()),
    }
