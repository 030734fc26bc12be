"""Inserts of records, given as JSON lines; a record whose id is stored is left out."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import Dialect
from sqlalchemy.dialects import sqlite

from mathops.journal.database.tables import requests
from mathops.models import FIELDS

_PARAMETERS = FIELDS.index("parameters")
# The column `parameters` holds JSON, as the line does: decoding and encoding it would be wasted.
_Line = msgspec.defstruct("Line", [(name, Raw if name == "parameters" else Any) for name in FIELDS], gc=False)
_decode_lines = msgspec.json.Decoder(_Line).decode_lines


class RowInserts:
    """One statement for each row."""

    insert_into: Callable[..., Any] = staticmethod(sqlite.insert)

    def __init__(self, dialect: Dialect) -> None:
        statement = self.insert_into(requests).inline().on_conflict_do_nothing(index_elements=[requests.c.id])
        # Compiled once: SQLAlchemy's execution costs more per row than SQLite does.
        self._statement = str(statement.compile(dialect=dialect, column_keys=list(FIELDS)))

    def insert(self, cursor: Any, lines: bytes) -> None:
        cursor.executemany(self._statement, rows_of(lines))


def rows_of(lines: bytes) -> list[list[Any]]:
    """The values of FIELDS in each JSON line."""
    rows = [list(msgspec.structs.astuple(record)) for record in _decode_lines(lines)]
    for row in rows:
        row[_PARAMETERS] = str(row[_PARAMETERS], "utf-8")
    return rows
