"""Access tokens that `mathops login` keeps, one file per service."""

import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import click
import msgspec

from mathops.identity import private_file
from mathops.models import encode_json

_KIND = "token"


class KeptToken(msgspec.Struct):
    """`expires` is in seconds since the epoch."""

    user: str
    token: str
    expires: float

    @property
    def expiry(self) -> str:
        return f"{datetime.fromtimestamp(self.expires, UTC):%Y-%m-%d %H:%M} UTC"


def load(url: str) -> KeptToken | None:
    """The token for the service at `url`, also after its expiry; raises ClickException or OSError."""
    try:
        path = path_of(url)
    except ValueError:
        # The request reports an invalid URL.
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeptToken)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except msgspec.DecodeError:
        raise click.ClickException(f"{path} is invalid; run mathops login --url {url}") from None


def save(url: str, kept: KeptToken) -> None:
    """Raises OSError or StartupError."""
    path = path_of(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private_file.locked(path, _KIND):
        private_file.write(path, encode_json(kept).decode(), _KIND)


def delete(url: str) -> None:
    path_of(url).unlink(missing_ok=True)


def path_of(url: str) -> Path:
    """The file for the service at `url`; passwords in the URL, and the case of its host, do not matter."""
    parts = urlsplit(url)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}"
    # An empty variable counts as unset (XDG Base Directory Specification).
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "mathops" / "tokens" / f"{quote(address, safe='')}.json"
