"""Looking after the journal's database from outside, also while the service runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import StartupError
from mathops.journal import database, schema
from mathops.journal.rows import Reader
from mathops.models import Record


class Health(msgspec.Struct, frozen=True):
    """What `check` found: faults of the database, its schema's revision, and the SQLite or PostgreSQL that is used.

    `safe` tells that it lacks SQLite's WAL-reset bug.
    """

    faults: list[str]
    revision: str | None
    newest: str
    database: str
    version: str
    safe: bool

    @property
    def good(self) -> bool:
        """Whether the service can work with it."""
        return not self.faults and self.revision == self.newest

    @property
    def advice(self) -> str:
        """What to do when it is not good."""
        if self.faults:
            return "the database is damaged; stop the service and put a backup in its place"
        return "the schema is not this version's; run mathops db upgrade"


def check(url: str) -> Health:
    """Ask the database for damage and its schema; raises StartupError when it is no journal at all."""
    sqlite = database.is_sqlite(url)
    with _reading(url) as engine:
        return Health(
            database.integrity(engine),
            schema.revision(engine),
            schema.newest(),
            "SQLite" if sqlite else "PostgreSQL",
            database.version(engine),
            not sqlite or database.concurrent_checkpoints(),
        )


def recent(url: str, user: str | None, limit: int) -> list[Record]:
    """The newest records, of all users or of one."""
    with _reading(url) as engine:
        reader = Reader(engine)
        page = reader.everyone(limit) if user is None else reader.history(user, limit)
    return [record for _, record in page.rows]


def backup(url: str, target: Path) -> int:
    """Write a consistent copy of a SQLite database to `target` and give its size in bytes.

    Raises StartupError when `target` exists, cannot be written, or the copy is not sound, and for PostgreSQL.
    """
    database.path_of(url)
    with _reading(url) as engine, _created(target) as draft:
        with engine.connect() as connection:
            connection.execute(text("VACUUM INTO :draft"), {"draft": str(draft)})
        with _asked(database.read_only(draft), str(draft)) as copy:
            if faults := database.integrity(copy):
                raise StartupError(f"the copy is not sound: {'; '.join(faults)}")
        _sync(draft)
    return target.stat().st_size


@contextmanager
def _reading(url: str) -> Iterator[Engine]:
    name = database.name(url)
    if database.is_sqlite(url) and not database.path_of(url).exists():
        raise StartupError(f"there is no database {name}; mathops serve makes one")
    with _asked(database.reader_engine(url), name) as engine:
        yield engine


@contextmanager
def _asked(engine: Engine, name: str) -> Iterator[Engine]:
    try:
        yield engine
    except SQLAlchemyError as error:
        raise StartupError(f"the database {name} cannot be used: {database.error_message(error)}") from None
    finally:
        engine.dispose()


@contextmanager
def _created(target: Path) -> Iterator[Path]:
    """A file to write, which takes its place at `target` when all went well; another's file is never touched."""
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        for path in (target, draft):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StartupError(f"{target} exists already; a backup does not write over it") from None
    except OSError as error:
        raise StartupError(f"{target} cannot be written: {error.strerror}") from None
    try:
        yield draft
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        target.unlink()
        raise


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
