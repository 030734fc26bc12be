"""Settings, and options shared by several commands."""

from typing import TYPE_CHECKING

import click

from mathops.settings_source import TOKEN_VARIABLE

if TYPE_CHECKING:
    from mathops.settings import Settings


def _strip(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return value.strip() if value else None


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
url = click.option("--url", metavar="URL", help="Send the request to the service at this URL.")
token = click.option(
    "--token", envvar=TOKEN_VARIABLE, show_envvar=True, metavar="TOKEN", callback=_strip, help="Access token for --url."
)


def load_settings() -> "Settings":
    from mathops.settings import load

    return load().settings
