"""Creates and migrates the journal's schema, by Alembic under the write lock."""

from contextlib import closing

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import StartupError
from mathops.journal.database.engine import WriteEngine, database_of, error_message
from mathops.journal.database.tables import relay
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)


def upgrade(url: str) -> None:
    """Create or migrate the journal; raises StartupError."""
    database = database_of(url)
    try:
        database.prepare()
        with closing(WriteEngine(database, migrating=True)) as writer, writer.transaction() as connection:
            before = revision(connection)
            command.upgrade(_config(connection=connection), "head")
            if (after := revision(connection)) != before:
                log.info("journal migrated", database=database.name, before=before, after=after)
            # SQLite starts a transaction on a read-only file too: without a migration nothing has been written yet.
            connection.execute(relay.update().values(position=relay.c.position))
    except CommandError as error:
        raise StartupError(f"the schema of journal {database.name} is unknown to this version: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        raise StartupError(f"the journal {database.name} cannot be used: {error_message(error)}") from None


def revision(connection: Connection) -> str | None:
    """The database's revision; None without a schema."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that this version needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config(**attributes: Connection) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", "mathops:journal/database/migrations")
    return config
