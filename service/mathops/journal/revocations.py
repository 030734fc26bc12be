"""Revoked tokens in the journal's database; each web worker checks requests against a copy in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from threading import Event, Thread

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import JournalUnavailable
from mathops.journal.database.engine import Database, WriteEngine, error_message
from mathops.journal.database.tables import revoked_tokens
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# Every web worker and replica rejects a revoked token within a second.
_POLL_SECONDS = 0.5
_START_SECONDS = 5.0
# A clock that was ahead for some time must not revive tokens.
_KEEP_EXPIRED_SECONDS = 86_400


class DatabaseRevocations:
    """Implements ports.Revocations; a request costs one look-up in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = database.reader()
        # The expiry of each token. Any thread may add one.
        self._revoked: dict[str, int] = {}
        self._position = 0
        self._loaded = Event()
        self._stopped = Event()
        self._error: str | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["DatabaseRevocations"]:
        # A thread of the event loop's executor would delay the stop while the database does not answer.
        Thread(target=self._poll, name="revocations", daemon=True).start()
        try:
            await asyncio.to_thread(self._loaded.wait, _START_SECONDS)
            yield self
        finally:
            self._stopped.set()

    async def revoke(self, token_id: str, until: int) -> None:
        try:
            await asyncio.to_thread(self._insert, token_id, until)
        except (SQLAlchemyError, OSError) as error:
            log.error("revoked token cannot be stored", error=error_message(error))
            raise JournalUnavailable("the token could not be revoked; send the request again") from None
        self._revoked[token_id] = until

    def revoked(self, token_id: str) -> bool:
        if not self._loaded.is_set():
            raise JournalUnavailable("the revoked tokens cannot be read; send the request again")
        return token_id in self._revoked

    def state(self) -> str:
        return "unavailable" if self._error else "ok"

    def _insert(self, token_id: str, until: int) -> None:
        expired = revoked_tokens.c.expires < _oldest_expiry()
        # Web workers read by sequence number, which must be the order of commits.
        begin = self._database.begin_exclusive
        with closing(WriteEngine(self._database, begin)) as writer, writer.transaction() as connection:
            connection.execute(delete(revoked_tokens).where(expired))
            connection.execute(insert(revoked_tokens).values(token_id=token_id, expires=until))

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self._refresh()
            self._stopped.wait(_POLL_SECONDS)
        self._reader.dispose()

    def _refresh(self) -> None:
        error = None
        try:
            self._read()
            self._loaded.set()
        except Exception as failure:  # whatever it is, the next attempt may succeed
            error = error_message(failure)
        if error and not self._error:
            log.error("revoked tokens cannot be read", error=error)
        self._error = error

    def _read(self) -> None:
        columns = revoked_tokens.c
        query = select(columns.seq, columns.token_id, columns.expires).where(columns.seq > self._position)
        with self._reader.connect() as connection:
            rows = connection.execute(query.order_by(columns.seq)).all()
        if rows:
            self._remove_expired()
        for seq, token_id, expires in rows:
            self._revoked[token_id] = expires
            self._position = seq

    def _remove_expired(self) -> None:
        oldest = _oldest_expiry()
        for token_id, expires in list(self._revoked.items()):
            if expires < oldest:
                del self._revoked[token_id]


def _oldest_expiry() -> float:
    """Tokens that expired earlier are removed."""
    return time.time() - _KEEP_EXPIRED_SECONDS
