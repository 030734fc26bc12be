"""The journal's schema: brought up to date under a lock, by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DatabaseError

from mathops.adapters import database
from mathops.errors import StartupError


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "mathops:migrations")
    return config


def upgrade(url: str) -> None:
    """Make or migrate the journal; raises StartupError with one line that says what is wrong."""
    path = database.path_of(url)
    _prepare_folder(path)
    engine = database.writer_engine(url)
    try:
        with database.write_lock(url), engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StartupError(f"the journal {path} has a schema that this version does not know: {error}") from None
    except (DatabaseError, OSError) as error:
        raise StartupError(f"the journal {path} cannot be used: {getattr(error, 'orig', None) or error}") from None
    finally:
        engine.dispose()


def version(url: str) -> tuple[str | None, str]:
    """The journal's revision, and the newest there is."""
    engine = database.reader_engine(url)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    return current, str(ScriptDirectory.from_config(_config()).get_current_head())


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"the folder {path.parent} cannot be made: {error}") from None
