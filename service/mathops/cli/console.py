"""Options, settings and output shared by the commands; progress goes to stderr if it is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mathops.models import encode_json
from mathops.settings_source import TOKEN_VARIABLE, URL_VARIABLE

if TYPE_CHECKING:
    from mathops.settings import Settings

# Tables in a pipe are never wrapped.
_PIPE_WIDTH = 10_000

# For messages about options that depend on the address of the service.
URL_SOURCES = f"--url or {URL_VARIABLE}"

Report = Callable[[int, int | None], None]


def _with_scheme(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    url = (url or "").strip()
    if url and "://" not in url:
        url = f"http://{url}"
    return url or None


def _required(context: click.Context, parameter: click.Parameter, url: str | None) -> str:
    found = _with_scheme(context, parameter, url)
    if not found:
        raise click.UsageError(f"{URL_SOURCES} is required")
    return found


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_url_option = partial(click.option, "--url", envvar=URL_VARIABLE, show_envvar=True, metavar="URL")
url = _url_option(
    callback=_with_scheme,
    help="Send the request to the service at this URL (http:// by default). '' runs the command on this machine.",
)
# Eager, so that no other option is prompted for without it.
required_url = _url_option(callback=_required, is_eager=True, help="URL of the service (http:// by default).")
token = click.option(
    "--token",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    metavar="TOKEN",
    type=str.strip,
    help="Access token for --url; by default the one that `mathops login` keeps.",
)


def load_settings() -> "Settings":
    from mathops.settings import load

    return load().settings


def print_output(as_json: bool, document: Any, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print `document` as JSON, or `rows` as a table."""
    if as_json:
        click.echo(encode_json(document))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[Text(printable(str(cell))) for cell in row])
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False).print(table)


def printable(text: str) -> str:
    """`text` with control characters escaped, because callers of the service choose some of it."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Show the elapsed time and, after `report(done, total)`, a progress bar."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
