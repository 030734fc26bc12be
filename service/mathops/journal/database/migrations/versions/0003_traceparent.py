"""The W3C trace context of the span that stored a row."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add a nullable column, so that the previous release can still insert rows."""
    op.add_column("requests", sa.Column("traceparent", sa.String(55)))


def downgrade() -> None:
    op.drop_column("requests", "traceparent")
