"""`mathops issuers`."""

from typing import TYPE_CHECKING, Any

import click

from mathops.cli import console
from mathops.settings_source import env_name

if TYPE_CHECKING:
    from mathops.identity.issuers.issuers_file import Issuer

_SETTING = env_name("issuers_file")


@click.group()
def issuers() -> None:
    """Check external issuers (MATHOPS_ISSUERS_FILE)."""


@issuers.command()
@console.as_json
def check(as_json: bool) -> None:
    """Check the file, and fetch keys and addresses of each issuer.

    The exit code is 1 if keys or addresses of an issuer cannot be fetched.
    """
    import asyncio

    from mathops.identity.issuers.issuers_file import read

    settings = console.load_settings()
    if settings.issuers_file is None:
        raise click.ClickException(f"set {_SETTING} to the path of the issuers file")
    found = read(settings.issuers_file, settings.token_issuer).values()
    documents = [asyncio.run(_check(issuer)) for issuer in found]
    rows = [(document["url"], len(document["keys"]), document["error"] or "") for document in documents]
    console.print_output(as_json, {"issuers": documents}, ("ISSUER", "KEYS", "ERROR"), rows)
    if any(document["error"] for document in documents):
        click.get_current_context().exit(1)


async def _check(issuer: "Issuer") -> dict[str, Any]:
    """The ids of its keys, or the error."""
    from mathops.identity.issuers.discovery import fetch_endpoints, fetch_keys

    keys: list[str] = []
    error = None
    try:
        keys = sorted({key_id for key_id, _ in await fetch_keys(issuer)})
        if issuer.sign_in:
            await fetch_endpoints(issuer, issuer.sign_in)
    except Exception as failure:  # as in the service, which reports whatever it is
        error = str(failure) or type(failure).__name__
    return {"url": issuer.url, "keys": keys, "error": error}
