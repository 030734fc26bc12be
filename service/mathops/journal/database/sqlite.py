"""The journal in a SQLite file: pragmas, checkpoints, and a fair lock between the processes that write."""

import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Engine, Float, create_engine, event, literal_column, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from mathops.errors import StartupError
from mathops.journal.database.inserts import RowInserts
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# Pages of 4 KiB in the WAL that start a checkpoint: 10 MiB, or about 500 commits of requests.
CHECKPOINT_PAGES = 2560
# Seconds between two measurements of the WAL, and after a failure.
_CHECK_SECONDS, _FAILURE_SECONDS = 0.05, 1.0
# Earlier versions can corrupt a WAL with several writers: https://sqlite.org/wal.html#walresetbug
_WAL_RESET_FIXED = (3, 51, 3)
_NO_LOCK = nullcontext()
_LAST_SEQUENCE = 2**63 - 1


class FileLock:
    """A lock between processes by flock: fair, and released when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> None:
        # open() would make four more system calls, twice in each commit.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def sqlite_module() -> ModuleType:
    """pysqlite3 where installed: it brings a newer SQLite."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        return sqlite3


class SQLite:
    """The journal's database as a file; `name` is for people. A statement waits `busy_seconds` for a lock."""

    product = "SQLite"
    # Otherwise no connection may checkpoint while another writes.
    wal_reset_fixed: bool = sqlite_module().sqlite_version_info >= _WAL_RESET_FIXED
    inserts = RowInserts
    # Starts every write transaction.
    begin = begin_exclusive = begin_migration = "BEGIN IMMEDIATE"
    # Seconds since the epoch.
    now: ColumnElement[float] = literal_column("(julianday('now') - 2440587.5) * 86400.0", Float)

    def __init__(self, path: Path, busy_seconds: float = 5) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self.name = str(path)
        # Device and inode.
        self._file: tuple[int, int] | None = None

    def write_engine(self, *, durable: bool) -> Engine:
        """One connection; use database.WriteEngine, which adds the lock and the start of transactions."""
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            module=sqlite_module(),
            pool_size=1,
            max_overflow=0,
            connect_args={"timeout": self._busy_seconds, "isolation_level": None, "check_same_thread": False},
        )
        pragmas = ["journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}", "foreign_keys=ON"]
        if self.wal_reset_fixed:
            pragmas.append("wal_autocheckpoint=0")

        @event.listens_for(engine, "connect")
        def _set_pragmas(connection: Any, _: Any) -> None:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")

        return engine

    def check_file(self) -> None:
        """Raise OSError if the file is not that of the first call.

        SQLite would write to a removed file unnoticed, and damage one that took its place.
        """
        if self._file is None and not self.path.exists():
            return
        status = self.path.stat()
        self._file = self._file or (status.st_dev, status.st_ino)
        if self._file != (status.st_dev, status.st_ino):
            raise OSError(errno.ESTALE, "the file was replaced while the service runs", self.name)

    def is_connection_error(self, error: Exception) -> bool:
        return False

    def write_lock(self) -> AbstractContextManager[None]:
        # SQLite's own busy handler is not fair.
        return FileLock(self.path.with_name(self.path.name + ".lock"))

    def reader(self, *, immutable: bool = False) -> Engine:
        """Connections that can only read; with `immutable` no other process may write and no WAL is read."""
        file = f"file:{quote(str(self.path.absolute()))}"
        options = {"mode": "ro", "uri": "true", "immutable": str(int(immutable))}
        engine = create_engine(
            URL.create("sqlite", database=file, query=options),
            module=sqlite_module(),
            poolclass=NullPool,
            connect_args={"timeout": self._busy_seconds},
        )

        @event.listens_for(engine, "do_connect")
        def _reject_empty_file(*_: Any) -> None:
            # SQLite would delete the WAL beside it, with the rows of the file that was there before.
            if self.path.exists() and not self.path.stat().st_size:
                raise sqlite_module().OperationalError("the file is empty")

        return engine

    def settled(self, connection: Connection) -> int:
        """No row will appear before those that `connection` reads: one transaction writes at a time."""
        return _LAST_SEQUENCE

    def integrity(self, connection: Connection) -> list[str]:
        """The damage that SQLite's own check finds."""
        found = [str(message) for message in connection.scalars(text("PRAGMA integrity_check"))]
        return [] if found == ["ok"] else found

    def prepare(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(f"the folder {self.path.parent} cannot be created: {error}") from None

    def after_write(self) -> Callable[[], None]:
        """The function to call after each write, and every second."""
        return WalCheckpointer(self).after_write if self.wal_reset_fixed else lambda: None


class WalCheckpointer:
    """Checkpoints outside of commits, because one inside a commit delays its requests by 70 ms.

    A thread copies most of the WAL while commits go on. The short rest is copied between two commits, after which
    SQLite starts the WAL from its beginning.
    """

    def __init__(self, database: SQLite) -> None:
        self._engine = database.write_engine(durable=True)
        self._check_file = database.check_file
        self._lock = database.write_lock()
        self._check_at = 0.0
        self._thread: threading.Thread | None = None

    def after_write(self) -> None:
        if self._thread is None:
            if time.monotonic() >= self._check_at and self._checkpoint("NOOP") >= CHECKPOINT_PAGES:
                self._thread = threading.Thread(target=self._checkpoint, args=("PASSIVE",))
                self._thread.start()
        elif not self._thread.is_alive():
            self._thread = None
            self._checkpoint("PASSIVE", self._lock)

    def _checkpoint(self, mode: str, lock: AbstractContextManager[None] = _NO_LOCK) -> int:
        """The number of pages that only the WAL contains; the mode NOOP copies none."""
        self._check_at = time.monotonic() + _CHECK_SECONDS
        try:
            self._check_file()
            with lock, closing(self._engine.raw_connection()) as connection:
                _, pages, copied = connection.cursor().execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
                return int(pages - copied)
        except (OSError, DBAPIError, sqlite_module().Error) as error:
            # The WAL only grows; a failing disk also fails the commits, which report it.
            log.warning("checkpoint failed", error=str(error))
            self._check_at = time.monotonic() + _FAILURE_SECONDS
            return 0
