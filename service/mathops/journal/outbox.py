"""The journal as outbox: what no broker has yet, how far it is published, and who publishes."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, or_, select, update

from mathops.journal import database
from mathops.journal.rows import COLUMNS, record_of
from mathops.journal.tables import dead_letters, relay, requests
from mathops.models import Record, timestamp

LEASE_SECONDS = 10.0


class Progress(msgspec.Struct, array_like=True):
    """What the relay did since it was last asked, and what is wrong, if anything."""

    published: int = 0
    failed: int = 0
    dead: int = 0
    fault: str | None = None


class Row(NamedTuple):
    """A record with its place in the journal."""

    seq: int
    record: Record


class Cursor:
    """How far the events of one database are published, moved by the one relay that holds the lease; synchronous."""

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

    def take(self) -> int | None:
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

    def after(self, position: int, most: int) -> list[Row]:
        """The oldest rows beyond `position`."""
        query = select(requests.c.seq, *COLUMNS).where(requests.c.seq > position).order_by(requests.c.seq).limit(most)
        with self._reader.connect() as connection:
            return [Row(row[0], record_of(row[1:])) for row in connection.execute(query)]

    def published_since(self, moment: str) -> tuple[int, int]:
        """The place before the first row of `moment` (RFC 3339, UTC) or later, and the last that was published."""
        position = select(relay.c.position).scalar_subquery()
        first = select(func.min(requests.c.seq)).where(requests.c.timestamp >= moment).scalar_subquery()
        with self._reader.connect() as connection:
            start, end = connection.execute(select(func.coalesce(first - 1, position), position)).one()
        return int(start), int(end)

    def dead(self) -> list[tuple[int, str, str, str]]:
        """Events that were set aside: place, id, time, reason."""
        letters = dead_letters.c
        query = select(letters.seq, letters.id, letters.timestamp, letters.reason).order_by(letters.seq)
        with self._reader.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def advance(self, position: int, dead: Sequence[tuple[Row, str]] = ()) -> bool:
        """Move the cursor and set `dead` rows aside with their reasons; tells whether the lease still held."""
        mine = update(relay).where(relay.c.owner == self._owner, relay.c.position < position)
        values = mine.values(position=position, lease_until=time.time() + LEASE_SECONDS)
        with self._lock, self._writer.begin() as connection:
            if not connection.execute(values).rowcount:
                return False
            if dead:
                seqs = [row.seq for row, _ in dead]
                connection.execute(delete(dead_letters).where(dead_letters.c.seq.in_(seqs)))
                connection.execute(insert(dead_letters), [_dead_letter(row, reason) for row, reason in dead])
            return True


def _dead_letter(row: Row, reason: str) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": row.record.id,
        "reason": reason[:500],
        "timestamp": timestamp(time.time()),
    }
