"""Checkpoints of the WAL off the commit path, for one in it keeps a request waiting 70 ms.

A second connection moves the bulk while commits go on; what came meanwhile, little, is moved between
two commits, after which SQLite begins the WAL anew.
"""

import threading
from contextlib import AbstractContextManager, closing, nullcontext

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from mathops.journal import database
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# At 4 to 6 pages each these are some MiB of WAL.
COMMITS = 500


class Checkpoints:
    """Counts commits; does nothing where SQLite has to checkpoint by itself."""

    def __init__(self, url: str) -> None:
        self._engine = database.writer_engine(url) if _needed(url) else None
        self._lock = database.write_lock(url)
        self._commits = 0
        self._bulk: threading.Thread | None = None

    def committed(self) -> None:
        """To be called after each commit."""
        if self._engine is None:
            return
        self._commits += 1
        if self._bulk is None:
            if self._commits >= COMMITS:
                self._bulk = threading.Thread(target=_checkpoint, args=(self._engine, nullcontext()))
                self._bulk.start()
        elif not self._bulk.is_alive():
            self._bulk = None
            self._commits = 0
            _checkpoint(self._engine, self._lock)


def _needed(url: str) -> bool:
    return database.is_sqlite(url) and database.concurrent_checkpoints()


def _checkpoint(engine: Engine, lock: AbstractContextManager[None]) -> None:
    try:
        with lock, closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except (OSError, DBAPIError, database.sqlite_module().Error) as error:
        # The WAL only grows meanwhile; if commits fail too, they answer for it.
        log.warning("checkpoint failed", fault=str(error))
