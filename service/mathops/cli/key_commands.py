"""`mathops keys`."""

import click

from mathops.cli import options
from mathops.cli.output import print_output


@click.group()
def keys() -> None:
    """Manage the keys that sign tokens. A running service reloads them within seconds."""


@keys.command("list")
@options.as_json
def list_keys(as_json: bool) -> None:
    """List key ids, oldest first. The last key signs new tokens."""
    from mathops.identity.keys import read

    ids = [str(key.kid) for key in read(options.load_settings().keys_path)]
    rows = [(kid, "signs" if kid == ids[-1] else "verifies") for kid in ids]
    print_output(as_json, [{"kid": kid, "use": use} for kid, use in rows], ("KEY ID", "USE"), rows)


@keys.command()
def rotate() -> None:
    """Add a key that signs new tokens. The older keys still verify tokens."""
    from mathops.identity.keys import rotate

    click.echo(rotate(options.load_settings().keys_path))


@keys.command()
@click.option("--keep", type=click.IntRange(1), default=1, show_default=True, help="Number of newest keys to keep.")
def prune(keep: int) -> None:
    """Remove the oldest keys and print their ids. Tokens signed by them become invalid.

    Before pruning, wait one token lifetime after the last rotation; otherwise valid tokens are rejected.
    """
    from mathops.identity.keys import prune

    for kid in prune(options.load_settings().keys_path, keep):
        click.echo(kid)
