"""`mathops token`, `mathops users` and `mathops keys`."""

import re
import sys

import click

from mathops.cli import console
from mathops.identity.scopes import DEFAULT_SCOPES, SCOPES
from mathops.models import MAX_PASSWORD_LENGTH, USER_NAME, USER_NAME_RULE, TokenResponse, encode_json


def check_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(USER_NAME, name):
        raise click.BadParameter(f"write {USER_NAME_RULE}")
    return name


_user = click.argument("user", callback=check_name)
scopes_option = click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="Scope to grant, repeatable. Default: math history.",
)


@click.command()
@_user
@scopes_option
@console.url
@click.option("--password", is_flag=True, help="With --url: prompt for the password, or read it from a pipe.")
@console.as_json
def token(user: str, scopes: tuple[str, ...], url: str | None, password: bool, as_json: bool) -> None:
    """Create an access token for USER.

    The token is signed with the keys file of this machine; no password is required. With --url, log in to a running
    service instead (POST /login).
    """
    if url and scopes:
        raise click.UsageError(f"--scope cannot be combined with {console.URL_SOURCES}: the service grants the scopes")
    if password and not url:
        raise click.UsageError(f"--password requires {console.URL_SOURCES}")
    if url:
        from mathops.cli.http_client import connect_without_token, request_json

        credentials = {"user": user, **({"password": read_password()} if password else {})}
        with connect_without_token(url) as client:
            response = request_json(client, "/login", TokenResponse, credentials)
    else:
        from mathops.identity.keys import Keys
        from mathops.identity.tokens import Tokens

        settings = console.load_settings()
        response = Tokens(Keys(settings.keys_path), settings).token_response(user, list(scopes or DEFAULT_SCOPES))
    click.echo(encode_json(response) if as_json else response.access_token)


@click.group()
def users() -> None:
    """Create lines for the users file (MATHOPS_USERS_FILE)."""


@users.command("hash")
@_user
@scopes_option
def hash_password(user: str, scopes: tuple[str, ...]) -> None:
    """Print USER's line for the users file.

    Prompts twice for the password, or reads it from a pipe.
    """
    from mathops.identity.users import users_line

    click.echo(users_line(user, read_password(confirm=True), scopes or DEFAULT_SCOPES))


def read_password(*, confirm: bool = False) -> str:
    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, err=True, confirmation_prompt=confirm))
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not 0 < len(password) <= MAX_PASSWORD_LENGTH:
        raise click.ClickException(f"a password has 1 to {MAX_PASSWORD_LENGTH} characters")
    return password


@click.group()
def keys() -> None:
    """Manage the keys that sign tokens. A running service reloads them within seconds."""


@keys.command("list")
@console.as_json
def list_keys(as_json: bool) -> None:
    """List key ids, oldest first. The last key signs new tokens."""
    from mathops.identity.keys import read

    ids = [str(key.kid) for key in read(console.load_settings().keys_path)]
    rows = [(kid, "signs" if kid == ids[-1] else "verifies") for kid in ids]
    console.print_output(as_json, [{"kid": kid, "use": use} for kid, use in rows], ("KEY ID", "USE"), rows)


@keys.command()
def rotate() -> None:
    """Add a key that signs new tokens. The older keys still verify tokens."""
    from mathops.identity.keys import rotate

    click.echo(rotate(console.load_settings().keys_path))


@keys.command()
@click.option("--keep", type=click.IntRange(1), default=1, show_default=True, help="Number of newest keys to keep.")
@click.option("--force", is_flag=True, help="Also remove keys whose tokens may still be valid.")
def prune(keep: int, force: bool) -> None:
    """Remove the oldest keys and print their ids.

    Tokens that they have signed become invalid. Therefore a key is removed only one token lifetime after the rotation
    that replaced it, unless --force is given.
    """
    from mathops.identity.keys import prune

    settings = console.load_settings()
    seconds = None if force else settings.token_lifetime_seconds + settings.token_leeway_seconds
    for kid in prune(settings.keys_path, keep, seconds):
        click.echo(kid)
