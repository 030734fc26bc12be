"""Changes of the file of OAuth clients. A running service reads it again."""

import secrets
from collections.abc import Iterable
from pathlib import Path

from mathops.errors import StartupError
from mathops.identity import private_file
from mathops.identity.users import line, read, users_line

KIND = "clients"
_SECRET_BYTES = 32


def scopes_by_name(path: Path) -> dict[str, list[str]]:
    """Raises StartupError."""
    return {name: scopes for name, (_, scopes) in read(KIND, path).items()}


def add(path: Path, name: str, scopes: Iterable[str]) -> str:
    """Add a client and return its new secret; raises StartupError."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    _add(path, name, users_line(name, secret, scopes))
    return secret


def add_key(path: Path, name: str, scopes: Iterable[str], credential: str) -> None:
    """Add a client with the credential of its public key; raises StartupError."""
    _add(path, name, line(name, credential, scopes))


def _add(path: Path, name: str, added: str) -> None:
    with private_file.locked(path, KIND):
        # With errors of an invalid file before it is changed.
        if path.exists() and name in scopes_by_name(path):
            raise StartupError(f"{name} is a client already; remove it first to replace its secret")
        text = path.read_text() if path.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        private_file.write(path, f"{text}{added}\n", KIND)


def remove(path: Path, name: str) -> None:
    """Raises StartupError."""
    # A missing file is an error before the lock file is created.
    scopes_by_name(path)
    with private_file.locked(path, KIND):
        names = scopes_by_name(path)
        if name not in names:
            raise StartupError(f"clients file {path} has no client {name}")
        if len(names) == 1:
            # The service keeps the last content of an invalid file, and one without clients is invalid.
            raise StartupError(
                f"{name} is the only client: add another one first, or unset MATHOPS_CLIENTS_FILE and restart"
            )
        lines = path.read_text().splitlines(keepends=True)
        private_file.write(path, "".join(text for text in lines if not text.strip().startswith(f"{name}:")), KIND)
