"""Revoked tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "revoked_tokens",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("token_id", sa.String(64), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revoked_tokens_expires", "revoked_tokens", ["expires"])


def downgrade() -> None:
    op.drop_table("revoked_tokens")
