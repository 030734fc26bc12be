"""The journal's schema: brought up to date under a lock, by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import StartupError
from mathops.journal import database
from mathops.journal.tables import relay
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "mathops:journal/migrations")
    return config


def upgrade(url: str) -> None:
    """Make or migrate the journal; raises StartupError with one line that says what is wrong."""
    if database.is_sqlite(url):
        _prepare_folder(database.path_of(url))
    engine = database.writer_engine(url)
    try:
        with database.write_lock(url), engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            before = _current(connection)
            command.upgrade(config, "head")
            if (after := _current(connection)) != before:
                log.info("migrated the journal", path=database.name(url), before=before, after=after)
            # Where nothing had to be migrated, nothing has been written: SQLite begins on a read-only file too.
            connection.execute(relay.update().values(position=relay.c.position))
    except CommandError as error:
        name = database.name(url)
        raise StartupError(f"the journal {name} has a schema that this version does not know: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        raise StartupError(
            f"the journal {database.name(url)} cannot be used: {database.error_message(error)}"
        ) from None
    finally:
        engine.dispose()


def revision(engine: Engine) -> str | None:
    """The database's revision; None without a schema."""
    with engine.connect() as connection:
        return _current(connection)


def newest() -> str:
    """The revision that this version needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"the folder {path.parent} cannot be made: {error}") from None
