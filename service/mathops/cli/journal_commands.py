"""`mathops db`."""

from pathlib import Path

import click

from mathops.cli import console


@click.group()
def db() -> None:
    """Maintain the journal database, also while the service runs."""


@db.command()
def upgrade() -> None:
    """Create the database or upgrade its schema. `mathops serve` does this at start."""
    from mathops.journal.database import schema

    schema.upgrade(console.load_settings().journal_url)
    click.echo(f"revision {schema.newest()}")


@db.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Copy the SQLite database to PATH and check the copy.

    The copy is consistent, also while the service writes. PATH must not exist.
    """
    from mathops.journal import maintenance

    with console.progress(f"copying to {path}"):
        size = maintenance.backup(console.load_settings().journal_url, path)
    click.echo(f"{path}: {size} bytes, checked")


@db.command()
@console.as_json
def check(as_json: bool) -> None:
    """Check the database and its schema. The exit code is 1 if a check fails."""
    from mathops.journal import maintenance

    with console.progress("checking"):
        health = maintenance.check(console.load_settings().journal_url)
    rows = [
        ("integrity", "; ".join(health.errors) or "ok"),
        ("revision", f"{health.revision or 'none'} (newest: {health.newest})"),
        (health.database, health.version + ("" if health.wal_reset_fixed else ", has the WAL-reset bug: update it")),
    ]
    console.print_output(as_json, health, ("CHECK", "FOUND"), rows)
    if not health.usable:
        raise click.ClickException(health.advice)
