"""`mathops db`."""

from pathlib import Path

import click

from mathops.cli import options
from mathops.cli.output import print_json, print_table, progress
from mathops.settings import load


def _url() -> str:
    return load().settings.journal_url


@click.group()
def db() -> None:
    """Look after the journal's database, also while the service runs."""


@db.command()
def upgrade() -> None:
    """Make the database, or bring its schema up to date; `mathops serve` does so by itself."""
    from mathops.journal import schema

    schema.upgrade(_url())
    click.echo(f"revision {schema.newest()}")


@db.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write a consistent copy of the SQLite database to PATH, which must not exist, and check the copy."""
    from mathops.journal import maintenance

    with progress(f"copying to {path}"):
        size = maintenance.backup(_url(), path)
    click.echo(f"{path}: {size} bytes, checked")


@db.command()
@options.as_json
def check(as_json: bool) -> None:
    """Check the database and its schema; exit code 1 when something is wrong."""
    from mathops.journal import maintenance

    with progress("checking"):
        health = maintenance.check(_url())
    if as_json:
        print_json(health)
    else:
        print_table(
            ("CHECK", "FOUND"),
            [
                ("integrity", "; ".join(health.faults) or "ok"),
                ("revision", f"{health.revision or 'none'} (newest: {health.newest})"),
                (health.database, health.version + ("" if health.safe else ", has the WAL-reset bug: update it")),
            ],
        )
    if not health.good:
        raise click.ClickException(health.advice)
