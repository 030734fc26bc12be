"""The tables of the journal and of its relay's position."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("timestamp", sa.String(32), nullable=False),
        sa.Column("user", sa.String(255)),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.String(256), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("result_digits", sa.Integer),
        sa.Column("result_sha256", sa.String(64)),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("problem", sa.String(64)),
        sa.Column("cache", sa.String(8)),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("trace_id", sa.String(32)),
        sa.Column("version", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_requests_user_seq", "requests", ["user", "seq"])
    relay = op.create_table(
        "relay",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("lease_until", sa.Float),
    )
    op.bulk_insert(relay, [{"id": 1, "position": 0}])


def downgrade() -> None:
    op.drop_table("relay")
    op.drop_table("requests")
