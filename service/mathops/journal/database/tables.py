"""The journal's tables; `migrations/` creates them, and a test compares the two."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

# SQLite gives rowids, which AUTOINCREMENT needs, to INTEGER columns only.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

requests = Table(
    "requests",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("timestamp", String(32), nullable=False),
    Column("user", String(255)),
    Column("operation", String(64), nullable=False),
    Column("endpoint", String(256), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("result", Text),
    Column("result_digits", Integer),
    Column("result_sha256", String(64)),
    Column("status", Integer, nullable=False),
    Column("problem", String(64)),
    Column("cache", String(8)),
    Column("duration_ms", Float, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("trace_id", String(32)),
    Column("traceparent", String(55)),
    Column("version", Integer, nullable=False),
    Index("ix_requests_user_seq", "user", "seq"),
    # A sequence number is never reused, also after the newest rows are deleted.
    sqlite_autoincrement=True,
)

# One row: the position up to which events are published, and the lease of the publishing relay.
relay = Table(
    "relay",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", Float),
)

# Events rejected by the broker; their rows stay in the journal.
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("timestamp", String(32), nullable=False),
)

# Tokens that are rejected although they have not expired.
revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("token_id", String(64), nullable=False),
    # Seconds since the epoch.
    Column("expires", BigInteger, nullable=False),
    Index("ix_revoked_tokens_expires", "expires"),
    # Web workers read by sequence number, so that none may be used twice.
    sqlite_autoincrement=True,
)
