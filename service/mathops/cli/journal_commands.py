"""`mathops history` and `mathops db`."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from mathops.cli import console
from mathops.models import MAX_PAGE_SIZE, HistoryPage, Record

_MAX_RESULT_LENGTH = 40


@click.command()
@click.option("--user", help="Show only the records of this user.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum number of records.")
@console.url
@console.token
@console.as_json
def history(user: str | None, limit: int, url: str | None, token: str | None, as_json: bool) -> None:
    """Show the newest requests in the journal database.

    With --url, show the newest requests of the token's user.
    """
    if url and user:
        raise click.UsageError(f"--user cannot be combined with {console.URL_SOURCES}: the token selects the user")
    if url:
        records = _remote(url, token, limit)
    else:
        from mathops.journal import maintenance

        records = maintenance.recent(console.load_settings().journal_url, user, limit)
    columns = ("TIME", "USER", "OPERATION", "PARAMETERS", "STATUS", "RESULT")
    console.print_output(as_json, {"records": records}, columns, map(_row, records))


def _remote(url: str, token: str | None, limit: int) -> list[Record]:
    from mathops.cli.http_client import connect, request_json

    records: list[Record] = []
    path: str | None = f"/history?limit={min(limit, MAX_PAGE_SIZE)}"
    with connect(url, token) as client:
        while path and len(records) < limit:
            page = request_json(client, path, HistoryPage)
            records += page.records
            # The path prefix of the service's links may differ from that of the URL.
            path = page.next and f"/history?{urlsplit(page.next).query}"
    return records[:limit]


def _row(record: Record) -> tuple[object, ...]:
    result = record.result
    if result is None or len(result) > _MAX_RESULT_LENGTH:
        result = f"{record.result_digits} digits" if record.result_digits else None
    parameters = " ".join(f"{name}={value}" for name, value in record.parameters.items())
    outcome = record.problem or result or "-"
    return record.timestamp, record.user or "-", record.operation, parameters, record.status, outcome


@click.group()
def db() -> None:
    """Maintain the journal database, also while the service runs."""


@db.command()
def upgrade() -> None:
    """Create the database or upgrade its schema. `mathops serve` does this at start."""
    from mathops.journal.database import schema

    schema.upgrade(console.load_settings().journal_url)
    click.echo(f"revision {schema.newest()}")


@db.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Copy the SQLite database to PATH and check the copy.

    The copy is consistent, also while the service writes. PATH must not exist.
    """
    from mathops.journal import maintenance

    with console.progress(f"copying to {path}"):
        size = maintenance.backup(console.load_settings().journal_url, path)
    click.echo(f"{path}: {size} bytes, checked")


@db.command()
@console.as_json
def check(as_json: bool) -> None:
    """Check the database and its schema. The exit code is 1 if a check fails."""
    from mathops.journal import maintenance

    with console.progress("checking"):
        health = maintenance.check(console.load_settings().journal_url)
    rows = [
        ("integrity", "; ".join(health.errors) or "ok"),
        ("revision", f"{health.revision or 'none'} (newest: {health.newest})"),
        (health.database, health.version + ("" if health.wal_reset_fixed else ", has the WAL-reset bug: update it")),
    ]
    console.print_output(as_json, health, ("CHECK", "FOUND"), rows)
    if not health.usable:
        raise click.ClickException(health.advice)
