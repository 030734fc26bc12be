"""`mathops db`."""

from pathlib import Path

import click

from mathops.cli import options
from mathops.cli.output import print_output, progress


@click.group()
def db() -> None:
    """Maintain the journal database, also while the service runs."""


@db.command()
def upgrade() -> None:
    """Create the database or upgrade its schema. `mathops serve` does this at start."""
    from mathops.journal.migrations import schema

    schema.upgrade(options.load_settings().journal_url)
    click.echo(f"revision {schema.newest()}")


@db.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write a consistent copy of the SQLite database to PATH and check it. PATH must not exist."""
    from mathops.journal import maintenance

    with progress(f"copying to {path}"):
        size = maintenance.backup(options.load_settings().journal_url, path)
    click.echo(f"{path}: {size} bytes, checked")


@db.command()
@options.as_json
def check(as_json: bool) -> None:
    """Check the database and its schema. The exit code is 1 if a check fails."""
    from mathops.journal import maintenance

    with progress("checking"):
        health = maintenance.check(options.load_settings().journal_url)
    rows = [
        ("integrity", "; ".join(health.errors) or "ok"),
        ("revision", f"{health.revision or 'none'} (newest: {health.newest})"),
        (health.database, health.version + ("" if health.safe else ", has the WAL-reset bug: update it")),
    ]
    print_output(as_json, health, ("CHECK", "FOUND"), rows)
    if not health.good:
        raise click.ClickException(health.advice)
