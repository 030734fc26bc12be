"""The databases that hold the journal in a chaos run."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection

from mathops.journal.database.engine import Database, database_of
from mathops.journal.database.tables import requests
from mathops.journal.rows import SELECT_RECORDS, record_of
from mathops.models import Record
from tests.chaos.postgres_pair import PostgresPair
from tests.integration.services.pgbouncer import pgbouncer

# A query waits this long for a database that a fault makes unavailable.
_QUERY_SECONDS = 60.0


class JournalStore(Protocol):
    """The journal's database; `url` is empty for the default one in the data folder."""

    @property
    def url(self) -> str: ...

    @property
    def pair(self) -> PostgresPair | None: ...

    def query(self, expressions: str) -> tuple[Any, ...]:
        """One row of SELECT."""

    def rows(self) -> list[Record]:
        """All rows, oldest first."""

    def damage(self) -> list[str]:
        """Errors that the database finds in itself."""


class SQLiteStore:
    """The default: a file in the data folder."""

    url = ""
    pair = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def query(self, expressions: str) -> tuple[Any, ...]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as database:
            row: tuple[Any, ...] = database.execute(f"SELECT {expressions}").fetchone()
        return row

    def rows(self) -> list[Record]:
        return _rows(self._database)

    def damage(self) -> list[str]:
        return _damage(self._database)

    @property
    def _database(self) -> Database:
        return database_of(f"sqlite:///{self._path}")


class PostgresStore:
    """A primary with a standby, behind a proxy that injects faults and PgBouncer in transaction mode."""

    def __init__(self, pair: PostgresPair, pooler_port: int) -> None:
        self.pair = pair
        self.url = f"postgresql://postgres@127.0.0.1:{pooler_port}/postgres"

    def query(self, expressions: str) -> tuple[Any, ...]:
        end = time.monotonic() + _QUERY_SECONDS
        while True:
            try:
                return self._query(expressions)
            except psycopg.Error:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.2)

    def _query(self, expressions: str) -> tuple[Any, ...]:
        with psycopg.connect(self.pair.url, connect_timeout=2) as connection:
            row = connection.execute(f"SELECT {expressions}".encode()).fetchone()
        assert row is not None
        return row

    def rows(self) -> list[Record]:
        return _rows(database_of(self.pair.url))

    def damage(self) -> list[str]:
        return _damage(database_of(self.pair.url))


@contextmanager
def postgres_store() -> Iterator[PostgresStore]:
    """A new PostgreSQL, removed at the end."""
    with PostgresPair.running() as pair, pgbouncer(pair.proxy.port) as port:
        yield PostgresStore(pair, port)


@contextmanager
def _reading(database: Database) -> Iterator[Connection]:
    engine = database.reader()
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _rows(database: Database) -> list[Record]:
    with _reading(database) as connection:
        return [record_of(row[1:]) for row in connection.execute(SELECT_RECORDS.order_by(requests.c.seq))]


def _damage(database: Database) -> list[str]:
    with _reading(database) as connection:
        return database.integrity(connection)
