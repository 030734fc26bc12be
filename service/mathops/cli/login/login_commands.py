"""`mathops login` and `mathops logout`."""

import os
import time
from http import HTTPStatus

import click
from msgspec import UNSET

from mathops.cli import console
from mathops.cli.identity_commands import read_password
from mathops.models import TokenResponse
from mathops.settings_source import TOKEN_VARIABLE, URL_VARIABLE


@click.command()
@click.option("--user", prompt=True, help="User name; prompted for without this option.")
@console.required_url
def login(user: str, url: str) -> None:
    """Log in to a service and keep the token for other commands.

    Prompts for the password if the service requires one, or reads it from a pipe. Until `mathops logout` the token is
    in a file that only its owner can read, in $XDG_CONFIG_HOME/mathops/tokens (by default ~/.config/mathops/tokens).
    """
    from mathops.cli.login import kept_tokens

    started = time.time()
    response = _token(url, user)
    kept = kept_tokens.KeptToken(user, response.access_token, started + response.expires_in)
    kept_tokens.save(url, kept)
    click.echo(f"logged in to {url} as {user} until {kept.expiry}")
    if not os.environ.get(URL_VARIABLE):
        click.echo(f"Other commands use this service with --url, or after: export {URL_VARIABLE}={url}", err=True)
    if os.environ.get(TOKEN_VARIABLE):
        click.echo(f"Warning: {TOKEN_VARIABLE} is set and takes precedence over this token.", err=True)


@click.command()
@console.required_url
def logout(url: str) -> None:
    """Revoke the token kept by `mathops login` and delete it."""
    from mathops.cli.http_client import RequestRejected, connect_without_token, request
    from mathops.cli.login import kept_tokens

    kept = kept_tokens.load(url)
    if kept is None:
        raise click.ClickException(f"no token is kept for {url}")
    try:
        with connect_without_token(url, {"Authorization": f"Bearer {kept.token}"}) as client:
            request(client, "/logout", "application/json", {})
    except RequestRejected as error:
        # An invalid token needs no revocation.
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
    kept_tokens.delete(url)
    click.echo(f"logged out from {url}")


def _token(url: str, user: str) -> TokenResponse:
    """Raises ClickException."""
    from mathops.cli.http_client import RequestRejected, connect_without_token, request_json

    with connect_without_token(url) as client:
        try:
            return request_json(client, "/login", TokenResponse, {"user": user})
        except RequestRejected as error:
            errors = error.problem.errors if error.problem else UNSET
            if errors is UNSET or "password" not in [invalid.parameter for invalid in errors]:
                raise
        return request_json(client, "/login", TokenResponse, {"user": user, "password": read_password()})
