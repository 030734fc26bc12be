"""`mathops events`."""

from collections.abc import Iterator
from contextlib import aclosing, closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mathops.cli import console

if TYPE_CHECKING:
    from mathops.settings import Settings

_BATCH_SIZE = 500


@click.group()
def events() -> None:
    """Inspect and republish the events in Kafka."""


@events.command()
@click.option("--from-start", is_flag=True, help="Start with the oldest available event.")
def tail(from_start: bool) -> None:
    """Print events as they arrive, one JSON object per line.

    Ctrl-C ends the command.
    """
    import asyncio

    settings = _kafka_settings()
    with suppress(KeyboardInterrupt), _report_errors("read"):
        asyncio.run(_tail(settings, from_start))


async def _tail(settings: "Settings", from_start: bool) -> None:
    from mathops.events.kafka import consume

    async with aclosing(consume(settings, from_start=from_start)) as events:
        async for event in events:
            click.echo(event)


@events.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), required=True, help="Start (UTC).")
def replay(since: datetime) -> None:
    """Publish the events since a time again, in order. Consumers receive the same ids."""
    import asyncio

    settings = _kafka_settings()
    with _report_errors("publish"):
        count = asyncio.run(_replay(settings, since.replace(tzinfo=UTC)))
    click.echo(f"published {count} events again")


async def _replay(settings: "Settings", since: datetime) -> int:
    from mathops.events.kafka import open_broker
    from mathops.events.messages import to_message
    from mathops.journal.database.engine import database_of
    from mathops.journal.outbox import OutboxReader
    from mathops.models import timestamp

    count = 0
    with closing(OutboxReader(database_of(settings.journal_url))) as outbox:
        position, last = outbox.replay_range(timestamp(since.timestamp()))
        async with open_broker(settings) as broker:
            # Rows after `last` belong to the relay: publishing them here would change the order.
            while rows := [row for row in outbox.fetch_after(position, _BATCH_SIZE) if row.seq <= last]:
                await broker.publish([to_message(row.record, row.record.traceparent) for row in rows])
                position = rows[-1].seq
                count += len(rows)
    return count


@events.command("dead-letters")
@console.as_json
def dead_letters(as_json: bool) -> None:
    """List the events rejected by the broker."""
    from mathops.journal.database.engine import database_of
    from mathops.journal.outbox import OutboxReader

    database = database_of(console.load_settings().journal_url)
    with _report_errors("read"), closing(OutboxReader(database)) as outbox:
        rows = outbox.dead_letters()
    names = ("seq", "id", "timestamp", "reason")
    document = {"events": [dict(zip(names, row, strict=True)) for row in rows]}
    console.print_output(as_json, document, [name.upper() for name in names], rows)


def _kafka_settings() -> "Settings":
    settings = console.load_settings()
    if not settings.kafka_brokers:
        raise click.ClickException("MATHOPS_KAFKA_BROKERS is not set")
    return settings


@contextmanager
def _report_errors(verb: str) -> Iterator[None]:
    from mathops.journal.database.engine import error_message

    try:
        yield
    except Exception as error:  # any error of the Kafka client or the database
        raise click.ClickException(f"cannot {verb} events: {error_message(error)}") from None
