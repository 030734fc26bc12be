"""`mathops config`."""

import click

from mathops.cli import options
from mathops.cli.output import print_output


@click.command()
@options.as_json
def config(as_json: bool) -> None:
    """Show each setting with its value and source. Passwords are hidden."""
    from mathops.settings import Settings, load
    from mathops.settings_source import env_name, redacted

    settings, sources = load()
    rows = [(env_name(name), redacted(getattr(settings, name)), sources[name]) for name in Settings.model_fields]
    document = [{"variable": variable, "value": value, "source": source} for variable, value, source in rows]
    print_output(as_json, document, ("VARIABLE", "VALUE", "SOURCE"), rows)
