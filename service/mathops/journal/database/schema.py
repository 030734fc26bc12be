"""Creates and migrates the journal's schema under the write lock."""

from contextlib import closing
from importlib.resources import files

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from mathops.errors import StartupError
from mathops.journal.database.engine import WriteEngine, database_of, error_message
from mathops.journal.database.tables import relay
from mathops.telemetry.logs import get_logger

log = get_logger(__name__)

# Written by Alembic.
_VERSION = table("alembic_version", column("version_num"))


def upgrade(url: str) -> None:
    """Create or migrate the journal; raises StartupError."""
    database = database_of(url)
    try:
        database.prepare()
        with closing(WriteEngine(database, database.begin_migration)) as writer, writer.transaction() as connection:
            before, needed = revision(connection), newest()
            if before != needed:
                _migrate(connection, database.name)
                log.info("journal migrated", database=database.name, before=before, after=needed)
            # SQLite starts a transaction on a read-only file too: without a migration nothing has been written yet.
            connection.execute(relay.update().values(position=relay.c.position))
    except (SQLAlchemyError, OSError) as error:
        raise StartupError(f"the journal {database.name} cannot be used: {error_message(error)}") from None


def revision(connection: Connection) -> str | None:
    """The database's revision; None without a schema."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.scalar(select(_VERSION.c.version_num))
    return found


def newest() -> str:
    """The revision that this version needs: the number of the last file in migrations/versions."""
    versions = files("mathops.journal.database.migrations.versions")
    return max(file.name.partition("_")[0] for file in versions.iterdir() if file.name[0].isdigit())


def _migrate(connection: Connection, name: str) -> None:
    # Importing alembic takes a tenth of a second, and most starts migrate nothing.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "mathops:journal/database/migrations")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartupError(f"the schema of journal {name} is unknown to this version: {error}") from None
