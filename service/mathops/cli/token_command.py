"""`mathops token`."""

from typing import Any, TypedDict

import click

from mathops.cli import options
from mathops.cli.output import print_json
from mathops.cli.passwords import ask_password
from mathops.identity.users import NAME, SCOPES
from mathops.settings import load


class Grant(TypedDict):
    """What a login answers."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    token: str


@click.command()
@click.argument("user")
@options.scopes
@options.url
@click.option("--password", is_flag=True, help="With --url: ask for the password, or read it from a pipe.")
@options.as_json
def token(user: str, scopes: tuple[str, ...], url: str | None, password: bool, as_json: bool) -> None:
    """Make an access token for USER.

    It is signed with the keys file of this machine, without asking for a password; with --url it is
    asked of a running service, as POST /login.
    """
    if not NAME.fullmatch(user):
        raise click.BadParameter("write 1 to 64 letters, digits, dots, dashes, underscores and @", param_hint="USER")
    if url:
        if scopes:
            raise click.UsageError("--scope cannot be chosen with --url: the service decides")
        answer = _log_in(url, user, password)
    elif password:
        raise click.UsageError("--password needs --url")
    else:
        answer = _sign(user, list(scopes or SCOPES))
    print_json(answer) if as_json else click.echo(answer["access_token"])


def _log_in(url: str, user: str, password: bool) -> Grant:
    from mathops.cli.http_client import Client

    document = {"user": user}
    if password:
        document["password"] = ask_password()
    with Client(url) as client:
        return client.post("/login", document, Grant)


def _sign(user: str, scopes: list[str]) -> Any:
    from mathops.identity.keys import Keys
    from mathops.identity.tokens import Tokens

    settings = load().settings
    return Tokens(Keys(settings.keys_path), settings).grant(user, scopes)
