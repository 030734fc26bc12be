"""`mathops users`."""

import click

from mathops.cli import options
from mathops.cli.passwords import ask_password
from mathops.identity.users import NAME, SCOPES, users_line


@click.group()
def users() -> None:
    """Prepare the file that MATHOPS_USERS_FILE names."""


@users.command("hash")
@click.argument("user")
@options.scopes
def hash_password(user: str, scopes: tuple[str, ...]) -> None:
    """Ask for a password twice and print USER's line of the users file."""
    if not NAME.fullmatch(user):
        raise click.BadParameter("write 1 to 64 letters, digits, dots, dashes, underscores and @", param_hint="USER")
    click.echo(users_line(user, ask_password(twice=True), scopes or SCOPES))
