"""`mathops history`: records of the journal database or of a running service, filtered and followed."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import click
import msgspec
from msgspec import UNSET
from msgspec.structs import FieldInfo, fields

from mathops.cli import console
from mathops.models import MAX_PAGE_SIZE, HistoryFilters, HistoryPage, HistoryQuery, Record, encode_json

if TYPE_CHECKING:
    import httpx2

    from mathops.journal.reader import Reader

_MAX_RESULT_LENGTH = 40
_COLUMNS = ("TIME", "USER", "OPERATION", "PARAMETERS", "STATUS", "RESULT")
# With --follow the lines to come are unknown.
_FOLLOW_WIDTHS = (27, 12, 9, 24, 6, 0)
_POLL_SECONDS = 1.0
_AGE = re.compile("([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGE_HELP = ", or an age such as 30s, 15m, 2h or 7d"


class FilterType(click.ParamType[Any]):
    """Reads the value of a filter as the service does; `since` may also be a date or an age."""

    def __init__(self, member: FieldInfo) -> None:
        self.name = member.name
        self._type = member.type
        age = _AGE_HELP if member.name == "since" else ""
        self.description: str = f"{member.type.__metadata__[-1].description}{age}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        for candidate in self._candidates(value):
            try:
                return msgspec.convert(candidate, self._type)
            except msgspec.ValidationError:
                continue
        return self.fail(f"write {self.description}", param, ctx)

    def _candidates(self, text: str) -> Iterator[Any]:
        yield text
        if text.isascii() and text.isdigit():
            yield int(text)
        yield f"{text}T00:00:00Z"
        if age := _AGE.fullmatch(text):
            yield datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for member in reversed(fields(HistoryFilters)):
        kind = FilterType(member)
        command = click.option(f"--{member.name}", type=kind, help=f"Filter by {kind.description}.")(command)
    return command


class Page(NamedTuple):
    """Records, newest first, and the pages next to them."""

    records: list[Record]
    older: "Callable[[], Page] | None"
    newer: "Callable[[], Page]"


@click.command()
@click.option("--user", help="Show only the records of this user.")
@_filters
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum number of records.")
@click.option("--follow", is_flag=True, help="Print the newest record last, then new records as they come.")
@console.url
@console.token
@console.as_json
def history(
    *, user: str | None, limit: int, follow: bool, url: str | None, token: str | None, as_json: bool, **filters: Any
) -> None:
    """Show the newest requests in the journal database.

    With --url, show the newest requests of the token's user.

    With --follow and --json, each record is one line. Ctrl-C ends the command.
    """
    if url and user:
        raise click.UsageError(f"--user cannot be combined with {console.URL_SOURCES}: the token selects the user")
    chosen = {name: value for name, value in filters.items() if value is not None}
    query = HistoryQuery(limit=min(limit, MAX_PAGE_SIZE), **chosen)
    with _remote(url, token, query) if url else _local(user, query) as page:
        records = newest(page, limit)
        if not follow:
            console.print_output(as_json, {"records": records}, _COLUMNS, map(_row, records))
            return
        if not as_json:
            _print_line(_COLUMNS)
        for record in chain(reversed(records), arriving(page)):
            _print_record(record, as_json)


def newest(page: Page, limit: int) -> list[Record]:
    records = page.records
    while page.older and len(records) < limit:
        page = page.older()
        records = records + page.records
    return records[:limit]


def arriving(page: Page) -> Iterator[Record]:
    """Records newer than `page`, oldest first, as they are stored; never ends."""
    while True:
        page = page.newer()
        yield from reversed(page.records)
        if not page.records:
            time.sleep(_POLL_SECONDS)


@contextmanager
def _local(user: str | None, query: HistoryQuery) -> Iterator[Page]:
    from mathops.journal import maintenance

    with maintenance.reading(console.load_settings().journal_url) as reader:
        yield read(reader, user, query)


def read(reader: "Reader", user: str | None, query: HistoryQuery) -> Page:
    """A page of the journal database, of all users or of one."""
    found = reader.all_users(query) if user is None else reader.history(user, query)

    def page(**cursor: int) -> Callable[[], Page]:
        unset = {"before": UNSET, "after": UNSET}
        return partial(read, reader, user, msgspec.structs.replace(query, **{**unset, **cursor}))

    older = None if found.next is None else page(before=found.next)
    return Page([record for _, record in found.rows], older, page(after=found.newer))


@contextmanager
def _remote(url: str, token: str | None, query: HistoryQuery) -> Iterator[Page]:
    from mathops.cli.http_client import connect

    with connect(url, token) as client:
        yield _request(client, f"/history?{urlencode(msgspec.to_builtins(query))}")


def _request(client: "httpx2.Client", path: str) -> Page:
    from mathops.cli.http_client import request_json

    # The path prefix of the service's links may differ from that of the URL.
    page = request_json(client, f"/history?{urlsplit(path).query}", HistoryPage)
    older = None if page.next is None else partial(_request, client, page.next)
    return Page(page.records, older, partial(_request, client, page.newer))


def _row(record: Record) -> tuple[object, ...]:
    result = record.result
    if result is None or len(result) > _MAX_RESULT_LENGTH:
        result = f"{record.result_digits} digits" if record.result_digits else None
    parameters = " ".join(f"{name}={value}" for name, value in record.parameters.items())
    outcome = record.problem or result or "-"
    return record.timestamp, record.user or "-", record.operation, parameters, record.status, outcome


def _print_record(record: Record, as_json: bool) -> None:
    if as_json:
        click.echo(encode_json(record))
    else:
        _print_line(_row(record))


def _print_line(cells: Iterable[object]) -> None:
    columns = zip(cells, _FOLLOW_WIDTHS, strict=True)
    click.echo(" ".join(console.printable(str(cell)).ljust(width) for cell, width in columns).rstrip())
