"""`mathops history`."""

from typing import Any

import click
import msgspec

from mathops.cli import options
from mathops.cli.output import print_json, print_table
from mathops.settings import load

_MOST_A_PAGE = 200
_LONGEST_RESULT = 40


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


def _local(user: str | None, limit: int) -> list[dict[str, Any]]:
    from mathops.adapters import maintenance

    return [msgspec.to_builtins(record) for record in maintenance.recent(load().settings.journal_url, user, limit)]


def _remote(url: str, token: str | None, limit: int) -> list[dict[str, Any]]:
    from mathops.cli.client import Client

    records: list[dict[str, Any]] = []
    path: str | None = f"/history?limit={min(limit, _MOST_A_PAGE)}"
    with Client(url, token) as client:
        while path and len(records) < limit:
            page = client.get(path)
            records += page["records"]
            path = page["next"]
    return records[:limit]


def _row(record: dict[str, Any]) -> tuple[object, ...]:
    parameters = " ".join(f"{name}={value}" for name, value in record["parameters"].items())
    return (
        record["timestamp"],
        record["user"] or "-",
        record["operation"],
        parameters,
        record["status"],
        record["problem"] or _result(record["result"], record["result_digits"]),
    )


def _result(text: str | None, digits: int | None) -> str:
    if text is not None and len(text) <= _LONGEST_RESULT:
        return text
    return f"{digits} digits" if digits else "-"
