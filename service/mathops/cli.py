"""The command line."""

import sys

import click

from mathops import __version__
from mathops.errors import StartupError
from mathops.settings import load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Exact power, Fibonacci and factorial."""


@cli.command()
@click.option("--workers", type=int)
@click.option("--reload", is_flag=True)
def serve(workers: int | None, reload: bool) -> None:
    """Run the service."""
    from mathops.server import serve

    settings = load().settings
    if workers:
        settings = settings.model_copy(update={"workers": workers})
    serve(settings, reload=reload)


def main() -> None:
    """Run a command; a service that cannot start says why in one line."""
    try:
        cli()
    except StartupError as error:
        click.echo(f"mathops: {error}", err=True)
        sys.exit(1)
