"""Options that several commands share."""

import click

from mathops.identity.users import SCOPES
from mathops.settings import TOKEN_VARIABLE


def _stripped(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return value.strip() if value else None


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
url = click.option("--url", metavar="URL", help="Ask the service at this address instead of working here.")
token = click.option(
    "--token",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    metavar="TOKEN",
    callback=_stripped,
    help="Access token for --url.",
)
scopes = click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What the user may do, all by default; may be given more than once.",
)
