"""`mathops top`."""

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mathops.cli import console

if TYPE_CHECKING:
    from mathops.cli.top.scrape import Scrape


@click.command()
@click.option(
    "--interval", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between two updates."
)
@click.option("--once", is_flag=True, help="Print the values of one interval and exit.")
@console.required_url
@console.token
def top(*, interval: float, once: bool, url: str, token: str | None) -> None:
    """Show requests, latency and components of a service.

    Rates and percentiles are those of the last interval, from /metrics. HITS are responses from the cache, and
    operations are timed without these. Ctrl-C ends the command.
    """
    if not (once or sys.stdout.isatty()):
        raise click.UsageError("the output is not a terminal: use --once")
    before = _scrape(url, token)
    if once:
        time.sleep(interval)
        click.echo(_frame(url, before, _scrape(url, token)))
    else:
        _show(url, token, interval, before)


def _show(url: str, token: str | None, interval: float, before: "Scrape | None") -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(interval)
            now = None
            try:
                now = _scrape(url, token)
                shown = _frame(url, before, now) if before else "measuring"
            except click.ClickException as error:
                # The service may be restarting, with counters that start from 0.
                shown = error.format_message()
            live.update(Text(shown), refresh=True)
            before = now


def _frame(url: str, before: "Scrape", now: "Scrape") -> str:
    from mathops.cli.top.frame import frame
    from mathops.cli.top.scrape import Interval
    from mathops.settings_source import redacted

    return frame(redacted(url), Interval(before, now), datetime.now(UTC))


def _scrape(url: str, token: str | None) -> "Scrape":
    """Raises ClickException."""
    from mathops.cli.http_client import connect, request, unexpected_response
    from mathops.cli.top.scrape import Scrape

    with connect(url, token) as client:
        text = request(client, "/metrics", "text/plain").decode(errors="replace")
    try:
        return Scrape(text, time.monotonic())
    except ValueError:
        raise unexpected_response(url) from None
