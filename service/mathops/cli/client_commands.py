"""`mathops clients`."""

from pathlib import Path
from typing import TextIO

import click

from mathops.cli import console
from mathops.cli.identity_commands import check_name, read_password, scopes_option
from mathops.identity.scopes import DEFAULT_SCOPES
from mathops.models import encode_json
from mathops.settings_source import env_name

_client = click.argument("client", callback=check_name)
_SETTING = env_name("clients_file")


def _path() -> Path:
    path = console.load_settings().clients_file
    if path is None:
        raise click.ClickException(f"set {_SETTING} to the path of the clients file")
    return path


@click.group()
def clients() -> None:
    """Manage OAuth clients (MATHOPS_CLIENTS_FILE).

    A running service reads the changed file within seconds.
    """


@clients.command()
@_client
@scopes_option
@click.option(
    "--public-key",
    type=click.File(),
    help="PEM or JWK file. The client signs assertions (private_key_jwt) and has no secret.",
)
@console.as_json
def add(client: str, scopes: tuple[str, ...], public_key: TextIO | None, as_json: bool) -> None:
    """Add CLIENT and print its new secret.

    The secret is printed only once: the file contains its hash. The file is created if it does not exist.
    """
    from mathops.identity.clients_file import add, add_key

    granted = scopes or DEFAULT_SCOPES
    document = {"client_id": client, "scope": " ".join(granted)}
    if public_key:
        add_key(_path(), client, granted, _credential(public_key))
    else:
        document["client_secret"] = add(_path(), client, granted)
    if as_json or not public_key:
        click.echo(encode_json(document) if as_json else document["client_secret"])


def _credential(public_key: TextIO) -> str:
    from mathops.identity.client_keys import credential

    try:
        return credential(public_key.read())
    except ValueError as error:
        raise click.ClickException(f"{public_key.name}: {error}") from None


@clients.command("list")
@console.as_json
def list_clients(as_json: bool) -> None:
    """List the clients and their scopes."""
    from mathops.identity.clients_file import scopes_by_name

    rows = [(name, " ".join(scopes)) for name, scopes in scopes_by_name(_path()).items()]
    documents = [{"client_id": name, "scope": scope} for name, scope in rows]
    console.print_output(as_json, documents, ("CLIENT", "SCOPE"), rows)


@clients.command()
@_client
def remove(client: str) -> None:
    """Remove CLIENT. Its tokens stay valid until they expire."""
    from mathops.identity.clients_file import remove

    remove(_path(), client)


@clients.command("hash")
@_client
@scopes_option
def hash_secret(client: str, scopes: tuple[str, ...]) -> None:
    """Print CLIENT's line for a clients file.

    Prompts twice for the secret, or reads it from a pipe.
    """
    from mathops.identity.users import users_line

    click.echo(users_line(client, read_password(confirm=True), scopes or DEFAULT_SCOPES))
