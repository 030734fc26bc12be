"""What commands print: results on stdout, progress on stderr where that is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import msgspec

# Wide enough that a table is never folded where a program reads it.
_PIPE_WIDTH = 10_000

Report = Callable[[int, int | None], None]


def print_json(document: Any) -> None:
    """One line of JSON on stdout."""
    click.echo(msgspec.json.encode(document))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns; folded to the width of a terminal, never for a pipe."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[Text(printable(str(cell))) for cell in row])
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False).print(table)


def printable(text: str) -> str:
    """`text` without control characters: what callers sent to the service must not steer a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


@contextmanager
def progress(description: str) -> Iterator[Report]:
    """Shows the time gone and, once `report(done, total)` is called, how far the work is."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
