"""Inserts of records into PostgreSQL."""

from typing import Any

from sqlalchemy import JSON, Dialect, bindparam, column, func, select
from sqlalchemy.dialects import postgresql

from mathops.journal.database.inserts import RowInserts
from mathops.journal.database.tables import requests
from mathops.models import FIELDS

_NUL = b"\\u0000"


class _RowInserts(RowInserts):
    insert_into = staticmethod(postgresql.insert)


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
        self._rows = _RowInserts(dialect)

    def insert(self, cursor: Any, lines: bytes) -> None:
        if _NUL in lines:
            # PostgreSQL rejects the whole array, although the character is only in the text of `parameters`.
            self._rows.insert(cursor, lines)
            return
        # JSON strings contain no line breaks.
        array = b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
        cursor.execute(self._statement, (array.decode(),))
