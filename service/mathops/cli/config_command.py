"""`mathops config`."""

import click

from mathops.cli import options
from mathops.cli.output import print_json, print_table
from mathops.settings import Settings, env_name, load, redacted


@click.command()
@options.as_json
def config(as_json: bool) -> None:
    """Show each setting, its value and where that came from; passwords are hidden."""
    loaded = load()
    rows = [
        (env_name(name), redacted(getattr(loaded.settings, name)), loaded.sources[name])
        for name in Settings.model_fields
    ]
    if as_json:
        print_json([{"variable": key, "value": value, "source": source} for key, value, source in rows])
    else:
        print_table(("VARIABLE", "VALUE", "SOURCE"), rows)
