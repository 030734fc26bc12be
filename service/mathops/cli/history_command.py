"""`mathops history`."""

import click

from mathops.cli import options
from mathops.cli.output import print_output
from mathops.models import MAX_PAGE_SIZE, HistoryPage, Record

_MAX_RESULT_LENGTH = 40


@click.command()
@click.option("--user", help="Show only the records of this user.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum number of records.")
@options.url
@options.token
@options.as_json
def history(user: str | None, limit: int, url: str | None, token: str | None, as_json: bool) -> None:
    """Show the newest requests in the journal database.

    With --url, show the newest requests of the token's user.
    """
    if url and user:
        raise click.UsageError("--user cannot be combined with --url: the token selects the user")
    records = _remote(url, token, limit) if url else _local(user, limit)
    columns = ("TIME", "USER", "OPERATION", "PARAMETERS", "STATUS", "RESULT")
    print_output(as_json, {"records": records}, columns, map(_row, records))


def _local(user: str | None, limit: int) -> list[Record]:
    from mathops.journal import maintenance

    return maintenance.recent(options.load_settings().journal_url, user, limit)


def _remote(url: str, token: str | None, limit: int) -> list[Record]:
    from mathops.cli.http_client import connect, request_json

    records: list[Record] = []
    path: str | None = f"/history?limit={min(limit, MAX_PAGE_SIZE)}"
    with connect(url, token) as client:
        while path and len(records) < limit:
            page = request_json(client, path, HistoryPage)
            records += page.records
            path = page.next
    return records[:limit]


def _row(record: Record) -> tuple[object, ...]:
    return (
        record.timestamp,
        record.user or "-",
        record.operation,
        " ".join(f"{name}={value}" for name, value in record.parameters.items()),
        record.status,
        record.problem or _shorten(record.result, record.result_digits),
    )


def _shorten(result: str | None, digits: int | None) -> str:
    if result is not None and len(result) <= _MAX_RESULT_LENGTH:
        return result
    return f"{digits} digits" if digits else "-"
