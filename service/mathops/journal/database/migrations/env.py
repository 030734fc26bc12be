"""Alembic's entry point: runs the migrations on the caller's connection."""

from alembic import context

from mathops.journal.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
