"""Inserts of records, given as JSON lines; a record whose id is stored is left out."""

from typing import Any

import msgspec
from msgspec import Raw
from sqlalchemy import JSON, Dialect, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from mathops.journal.database.tables import requests
from mathops.models import FIELDS

_PARAMETERS = FIELDS.index("parameters")
# The column `parameters` holds JSON, as the line does: decoding and encoding it would be wasted.
_Line = msgspec.defstruct("Line", [(name, Raw if name == "parameters" else Any) for name in FIELDS], gc=False)
_decode_lines = msgspec.json.Decoder(_Line).decode_lines


_NUL = b"\\u0000"


class RowInserts:
    """One statement for each row."""

    def __init__(self, dialect: Dialect) -> None:
        insert = postgresql.insert if dialect.name == postgresql.dialect.name else sqlite.insert
        statement = insert(requests).inline().on_conflict_do_nothing(index_elements=[requests.c.id])
        # Compiled once: SQLAlchemy's execution costs more per row than SQLite does.
        self._statement = str(statement.compile(dialect=dialect, column_keys=list(FIELDS)))

    def insert(self, cursor: Any, lines: bytes) -> None:
        cursor.executemany(self._statement, rows_of(lines))


class JsonInserts:
    """One statement for all rows, which PostgreSQL reads from a JSON array."""

    def __init__(self, dialect: Dialect) -> None:
        # A value of the type json keeps the text of the member.
        types = {name: JSON() if name == "parameters" else requests.c[name].type for name in FIELDS}
        columns = [column(name, kind) for name, kind in types.items()]
        array = bindparam("array", type_=JSON())
        records = func.json_to_recordset(array).table_valued(*columns, name="record").render_derived(with_types=True)
        statement = postgresql.insert(requests).from_select(FIELDS, select(*records.c), include_defaults=False)
        unique = statement.on_conflict_do_nothing(index_elements=[requests.c.id])
        self._statement = str(unique.compile(dialect=dialect))
        self._rows = RowInserts(dialect)

    def insert(self, cursor: Any, lines: bytes) -> None:
        if _NUL in lines:
            # PostgreSQL rejects the whole array, although the character is only in the text of `parameters`.
            self._rows.insert(cursor, lines)
            return
        # JSON strings contain no line breaks.
        array = b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
        cursor.execute(self._statement, (array.decode(),))


def rows_of(lines: bytes) -> list[list[Any]]:
    """The values of FIELDS in each JSON line."""
    rows = [list(msgspec.structs.astuple(record)) for record in _decode_lines(lines)]
    for row in rows:
        row[_PARAMETERS] = str(row[_PARAMETERS], "utf-8")
    return rows
