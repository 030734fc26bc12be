"""`mathops history`."""

import click
import msgspec

from mathops.cli import options
from mathops.cli.output import print_json, print_table
from mathops.models import Record
from mathops.settings import load

MAX_PAGE_SIZE = 200
_MAX_RESULT_LENGTH = 40


class Page(msgspec.Struct):
    """What the service answers to GET /history."""

    records: list[Record]
    next: str | None


@click.command()
@click.option("--user", help="Only records of this user.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many records.")
@options.url
@options.token
@options.as_json
def history(user: str | None, limit: int, url: str | None, token: str | None, as_json: bool) -> None:
    """Show the newest requests, from the journal's database.

    With --url the service gives those of the token's user.
    """
    if url and user:
        raise click.UsageError("--user cannot be chosen with --url: a token gives its own user's records")
    records = _remote(url, token, limit) if url else _local(user, limit)
    if as_json:
        print_json({"records": records})
    else:
        print_table(("TIME", "USER", "OPERATION", "PARAMETERS", "STATUS", "RESULT"), map(_row, records))


def _local(user: str | None, limit: int) -> list[Record]:
    from mathops.journal import maintenance

    return maintenance.recent(load().settings.journal_url, user, limit)


def _remote(url: str, token: str | None, limit: int) -> list[Record]:
    from mathops.cli.http_client import Client

    records: list[Record] = []
    path: str | None = f"/history?limit={min(limit, MAX_PAGE_SIZE)}"
    with Client(url, token) as client:
        while path and len(records) < limit:
            page = client.get(path, Page)
            records += page.records
            path = page.next
    return records[:limit]


def _row(record: Record) -> tuple[object, ...]:
    parameters = " ".join(f"{name}={value}" for name, value in record.parameters.items())
    return (
        record.timestamp,
        record.user or "-",
        record.operation,
        parameters,
        record.status,
        record.problem or _result(record.result, record.result_digits),
    )


def _result(text: str | None, digits: int | None) -> str:
    if text is not None and len(text) <= _MAX_RESULT_LENGTH:
        return text
    return f"{digits} digits" if digits else "-"
