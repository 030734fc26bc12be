"""Commits of many replicas to one PostgreSQL database, and which rows may still be missing.

Sequence numbers are taken before the commit, so that a later number may be committed first. Every write transaction
holds an advisory lock from before its first sequence number until its end: a row is settled when the transactions that
held the lock as it was read have ended.
"""

import time

from sqlalchemy import Connection, text

# "math" in ASCII, the same in every replica and release.
_KEY = 0x6D617468
# One transaction at a time, in the order of its sequence numbers.
EXCLUSIVE = f"SELECT pg_advisory_xact_lock({_KEY})"
# Side by side with others, unless a relay of a release before 0.2 publishes: it takes the order of sequence numbers for
# that of commits. The owner of a newer relay contains an @.
SHARED = f"""SELECT CASE WHEN EXISTS (SELECT FROM relay WHERE strpos(owner, '@') = 0)
    THEN pg_advisory_xact_lock({_KEY}) ELSE pg_advisory_xact_lock_shared({_KEY}) END"""  # noqa: S608
_WRITERS = f"""SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = {_KEY}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608
# The snapshot that finds the newest row is taken before the locks are read.
_NEWEST_AND_WRITERS = text(f"SELECT (SELECT coalesce(max(seq), 0) FROM requests), ARRAY({_WRITERS})")  # noqa: S608
_REMAINING = text(f"{_WRITERS} AND virtualtransaction = ANY(:writers)")
_MAX_SECONDS, _POLL_SECONDS = 0.5, 0.001


def settled(connection: Connection) -> int | None:
    """The newest sequence number, once no row can appear before it; None while a writer takes too long."""
    newest, writers = connection.execute(_NEWEST_AND_WRITERS).one()
    deadline = time.monotonic() + _MAX_SECONDS
    while writers and (writers := list(connection.scalars(_REMAINING, {"writers": writers}))):
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)
    return int(newest)
