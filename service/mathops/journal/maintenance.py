"""Checks, reads and copies the journal's database from outside, also while the service runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import StartupError
from mathops.journal.database import schema
from mathops.journal.database.engine import Database, database_of, error_message
from mathops.journal.database.sqlite import SQLite
from mathops.journal.reader import Reader


class Health(msgspec.Struct, frozen=True):
    """Findings of `check`; `wal_reset_fixed` is False for a SQLite version with the WAL-reset bug."""

    errors: list[str]
    revision: str | None
    newest: str
    database: str
    version: str
    wal_reset_fixed: bool

    @property
    def usable(self) -> bool:
        """Whether the service can use the database."""
        return not self.errors and self.revision == self.newest

    @property
    def advice(self) -> str:
        """How to repair an unusable database."""
        if self.errors:
            return "the database is damaged; stop the service and restore a backup"
        return "the schema belongs to another version; run mathops db upgrade"


def check(url: str) -> Health:
    """Check the database and its schema; raises StartupError when it cannot be read."""
    database = database_of(url)
    with _reading(database) as engine, engine.connect() as connection:
        errors = database.integrity(connection)
        revision = schema.revision(connection)
        version = ".".join(map(str, connection.dialect.server_version_info or ()))
        return Health(errors, revision, schema.newest(), database.product, version, database.wal_reset_fixed)


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A reader of the records; errors of the database become a StartupError."""
    database = database_of(url)
    with _reading(database) as engine:
        yield Reader(database, engine)


def backup(url: str, target: Path) -> int:
    """Write a consistent copy of a SQLite database to `target`; return its size in bytes.

    Raises StartupError when `target` exists or cannot be written, when the copy is damaged, and for PostgreSQL.
    """
    database = database_of(url)
    if not isinstance(database, SQLite):
        raise StartupError("MATHOPS_DATABASE_URL names no file to copy; back up PostgreSQL with pg_dump")
    with _reading(database) as engine, _created(target) as draft:
        with engine.connect() as connection:
            connection.execute(text("VACUUM INTO :draft"), {"draft": str(draft)})
        copy = SQLite(draft)
        with _reading(copy) as copied, copied.connect() as connection:
            if errors := copy.integrity(connection):
                raise StartupError(f"the copy is damaged: {'; '.join(errors)}")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    return target.stat().st_size


@contextmanager
def _reading(database: Database) -> Iterator[Engine]:
    opened = _file_reader(database) if isinstance(database, SQLite) else nullcontext(database.reader())
    with opened as engine:
        try:
            yield engine
        except SQLAlchemyError as error:
            raise StartupError(f"the database {database.name} cannot be used: {error_message(error)}") from None
        finally:
            engine.dispose()


@contextmanager
def _file_reader(database: SQLite) -> Iterator[Engine]:
    """In a folder that cannot be written SQLite needs the index of the WAL, or the assurance that there is no WAL."""
    path = database.path
    if not path.exists():
        raise StartupError(
            f"there is no database {path.absolute()}; set MATHOPS_DATA_DIR to the data folder of the service"
        )
    if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-shm").exists():
        yield database.reader()
        return
    before = _state(path)
    if before.wal_bytes:
        raise StartupError(
            f"the folder of {database.name} cannot be written, but SQLite must add the rows of {path.name}-wal; "
            "copy both files to a folder that can be written"
        )
    try:
        yield database.reader(immutable=True)
    finally:
        if _state(path) != before:
            raise StartupError(f"another process wrote to {database.name} meanwhile; run the command again")


class _State(NamedTuple):
    """A difference means that a process has written to the database."""

    wal_bytes: int
    bytes: int
    modified: int


def _state(path: Path) -> _State:
    wal, status = path.with_name(f"{path.name}-wal"), path.stat()
    return _State(wal.stat().st_size if wal.exists() else 0, status.st_size, status.st_mtime_ns)


@contextmanager
def _created(target: Path) -> Iterator[Path]:
    """A draft that replaces `target` after the block; an existing file is never overwritten."""
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        for path in (target, draft):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StartupError(f"{target} exists already; a backup does not overwrite it") from None
    except OSError as error:
        raise StartupError(f"{target} cannot be written: {error.strerror}") from None
    try:
        yield draft
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        target.unlink()
        raise
