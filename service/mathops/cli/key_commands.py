"""`mathops keys`."""

from pathlib import Path

import click

from mathops.cli import options
from mathops.cli.output import print_json, print_table
from mathops.settings import load


def _path() -> Path:
    return load().settings.keys_path


@click.group()
def keys() -> None:
    """Look after the keys that sign tokens; a running service sees changes within seconds."""


@keys.command("list")
@options.as_json
def list_keys(as_json: bool) -> None:
    """List key ids, oldest first; the last one signs."""
    from mathops.identity.keys import read

    ids = [str(key.kid) for key in read(_path())]
    rows = [(kid, "signs" if kid == ids[-1] else "verifies") for kid in ids]
    if as_json:
        print_json([{"kid": kid, "use": use} for kid, use in rows])
    else:
        print_table(("KEY ID", "USE"), rows)


@keys.command()
def rotate() -> None:
    """Add a key, which signs from now on; the older ones still verify."""
    from mathops.identity.keys import rotate

    click.echo(rotate(_path()))


@keys.command()
@click.option("--keep", type=click.IntRange(1), default=1, show_default=True, help="How many of the newest stay.")
def prune(keep: int) -> None:
    """Remove the oldest keys, at which tokens that they signed end, and print their ids.

    Wait for the lifetime of a token after a rotation, and no one notices.
    """
    from mathops.identity.keys import prune

    for kid in prune(_path(), keep):
        click.echo(kid)
