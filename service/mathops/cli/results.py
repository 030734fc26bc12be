"""Output of a result: folded on a terminal, complete in a pipe or a file."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

# About a dozen lines of a terminal; both ends of a folded result and its ellipsis fit on one line of 80 columns.
MAX_SHOWN_DIGITS = 1000
_END_DIGITS = 38

Print = Callable[[bytes], None]

full = click.option("--full", is_flag=True, help=f"Print all digits on a terminal, also more than {MAX_SHOWN_DIGITS}.")
output = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the result to FILE instead; it keeps its content if the command fails.",
)


@contextmanager
def opened(path: Path | None, *, fold: bool) -> Iterator[Print]:
    """A function that prints a result, or writes it to `path`, which is checked before a long computation."""
    if path is None:
        folded = fold and sys.stdout.isatty()
        yield lambda text: click.echo(_folded(text) if folded else text)
        return
    with _replacing(path) as file:
        yield lambda text: _write(file, path, text)


def _folded(text: bytes) -> bytes | str:
    number = text.decode("ascii", "replace")
    digits = len(number.lstrip("-"))
    if digits <= MAX_SHOWN_DIGITS:
        return text
    return (
        f"{number[:_END_DIGITS]}…{number[-_END_DIGITS:]}\n"
        f"{digits:,} digits; --full prints all, --output FILE writes them to a file"
    )


def _write(file: BinaryIO, path: Path, text: bytes) -> None:
    try:
        # Closing writes the rest of the buffer, which fails when the disk is full.
        with file:
            file.write(text + b"\n")
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A draft that replaces `path` after the block; a device or a pipe is opened itself."""
    target = path.resolve()
    in_place = target.exists() and not target.is_file()
    draft = target if in_place else target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        file = draft.open("wb")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with file:
            yield file
        if not in_place:
            draft.replace(target)
    finally:
        if not in_place:
            draft.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> click.ClickException:
    return click.ClickException(f"{path} cannot be written: {error.strerror}")
