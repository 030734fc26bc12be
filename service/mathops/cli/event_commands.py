"""`mathops events`."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from mathops.cli import options
from mathops.cli.output import print_json, print_table
from mathops.errors import StartupError
from mathops.journal.database import error_message
from mathops.journal.outbox import OutboxCursor
from mathops.models import timestamp
from mathops.settings import Settings, load

_BATCH = 500


@click.group()
def events() -> None:
    """Look at the events in Kafka, and publish them again."""


@events.command()
@click.option("--from-start", is_flag=True, help="Begin with the oldest event there is.")
def tail(from_start: bool) -> None:
    """Print events as they come, one JSON object a line, until interrupted."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tail(_settings(), from_start))


async def _tail(settings: Settings, from_start: bool) -> None:
    from mathops.events.kafka import values

    with _errors_as_startup_error("read"):
        async with contextlib.aclosing(values(settings, from_start=from_start)) as found:
            async for value in found:
                click.echo(value)


@events.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), required=True, help="A time in UTC.")
def replay(since: datetime) -> None:
    """Publish again, in order, what was published already; consumers see the same ids."""
    count = asyncio.run(_replay(_settings(), timestamp(since.replace(tzinfo=UTC).timestamp())))
    click.echo(f"published {count} events again")


async def _replay(settings: Settings, moment: str) -> int:
    from mathops.events.kafka import connected
    from mathops.events.relay import message

    cursor = OutboxCursor(settings.journal_url, "replay")
    count = 0
    with _errors_as_startup_error("publish"), contextlib.closing(cursor):
        position, last = cursor.published_since(moment)
        async with connected(settings) as broker:
            # What lies beyond is the relay's: to overtake it would change the order.
            while rows := [row for row in cursor.fetch_after(position, _BATCH) if row.seq <= last]:
                await broker.publish([message(row.record) for row in rows])
                position = rows[-1].seq
                count += len(rows)
    return count


@events.command()
@options.as_json
def refused(as_json: bool) -> None:
    """Show the events that the broker refused for good."""
    with (
        _errors_as_startup_error("read"),
        contextlib.closing(OutboxCursor(load().settings.journal_url, "refused")) as cursor,
    ):
        rows = cursor.dead_letters()
    names = ("seq", "id", "timestamp", "reason")
    if as_json:
        print_json({"events": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table([name.upper() for name in names], rows)


def _settings() -> Settings:
    settings = load().settings
    if not settings.kafka_brokers:
        raise StartupError("MATHOPS_KAFKA_BROKERS is not set: there is nothing to read from or publish to")
    return settings


@contextlib.contextmanager
def _errors_as_startup_error(verb: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever Kafka's client or the database raises is for who runs the command
        raise StartupError(f"cannot {verb} events: {error_message(error)}") from None
