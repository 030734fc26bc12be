"""Users: anyone in demo mode, else those of the users file."""

import asyncio
import hmac
import os
import re
from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from pathlib import Path

import argon2
from argon2 import PasswordHasher

from mathops.errors import StartupError
from mathops.identity import client_keys
from mathops.identity.reloaded_file import RELOAD_SECONDS, ReloadedFile
from mathops.identity.scopes import DEFAULT_SCOPES, SCOPES
from mathops.models import USER_NAME

_HASH_PREFIX = "$argon2id$"
_HASH = r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
_CREDENTIALS = {"users": _HASH, "clients": f"{_HASH}|{client_keys.CREDENTIAL}"}
# Of no password; checked for unknown names where the file has no hash.
_DECOY = "$argon2id$v=19$m=65536,t=3,p=4$iqxYvoOr+pbg2pIu9k4oQQ$ZN2zq+Yr24o1MDS11VFaPixqoFWMMA4fM4Y3u4eTdCE"
# Each check takes 64 MiB and tens of milliseconds.
_CHECKS_AT_ONCE = 2


class DemoUsers:
    """Demo mode: accepts every name without a password."""

    async def authenticate(self, name: str, password: str | None) -> list[str] | None:
        return list(DEFAULT_SCOPES)


class UsersFile:
    """Users or OAuth clients (`kind`) of a file, reloaded after a change; raises StartupError.

    Its lines are `name:argon2id-hash:scopes`.
    """

    def __init__(self, path: Path, reload_seconds: float = RELOAD_SECONDS, *, kind: str = "users") -> None:
        self._hasher = PasswordHasher()
        self._file = ReloadedFile(kind, path, partial(_read_some, kind), reload_seconds)
        self.state = self._file.state
        self.refresh = self._file.refresh
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        # Hash in the file and keyed digest of the last right password, by name: an OAuth client sends the same one with
        # every request.
        self._verified: dict[str, tuple[str, bytes]] = {}
        self._digest_key = os.urandom(blake2b.MAX_KEY_SIZE)

    async def authenticate(self, name: str, password: str | None) -> list[str] | None:
        self._file.refresh()
        users = self._file.content
        # An unknown name is verified too, so that response times do not reveal which names exist.
        password_hash, scopes = users.get(name, ("", []))
        known = password_hash.startswith(_HASH_PREFIX)
        if not known:
            hashes = (credential for credential, _ in users.values() if credential.startswith(_HASH_PREFIX))
            password_hash = next(hashes, _DECOY)
        sent = _bytes(password or "")
        digest = blake2b(sent, key=self._digest_key).digest()
        verified_hash, verified = self._verified.get(name, ("", b""))
        if known and verified_hash == password_hash and hmac.compare_digest(verified, digest):
            return list(scopes)
        try:
            async with self._checks:
                await asyncio.to_thread(self._hasher.verify, password_hash, sent)
        except argon2.exceptions.VerificationError:
            return None
        if not known:
            return None
        self._verified[name] = password_hash, digest
        return list(scopes)


def users_line(name: str, password: str, scopes: Iterable[str]) -> str:
    return line(name, PasswordHasher().hash(_bytes(password)), scopes)


def line(name: str, credential: str, scopes: Iterable[str]) -> str:
    return f"{name}:{credential}:{' '.join(scopes)}"


def _is_valid(credential: str) -> bool:
    if credential.startswith(client_keys.PREFIX):
        try:
            client_keys.public_key(credential)
        except ValueError:
            return False
    return True


def _bytes(password: str) -> bytes:
    # JSON strings can contain lone surrogates, which UTF-8 cannot encode.
    return password.encode("utf-8", "surrogatepass")


def _read_some(kind: str, path: Path) -> dict[str, tuple[str, list[str]]]:
    if not (users := read(kind, path)):
        raise StartupError(f"{kind} file {path} contains no {kind}")
    return users


def read(kind: str, path: Path) -> dict[str, tuple[str, list[str]]]:
    """Password hash, or key of a client, and scopes by name; raises StartupError."""
    pattern = re.compile(f"({USER_NAME}):({_CREDENTIALS[kind]})(?::(.*))?", re.ASCII)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"{kind} file {path} cannot be read: {error}") from None
    users: dict[str, tuple[str, list[str]]] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip() or text.startswith("#"):
            continue
        match = pattern.fullmatch(text.strip())
        scopes = (match[3] or "").split() if match else []
        if not match or match[1] in users or not set(scopes) <= set(SCOPES) or not _is_valid(match[2]):
            raise StartupError(
                f"{kind} file {path}, line {number}: write name:argon2id-hash:scopes, "
                f"each name once, with scopes of {' '.join(SCOPES)}; `mathops {kind} hash` prints a line"
            )
        users[match[1]] = match[2], scopes or list(DEFAULT_SCOPES)
    return users
