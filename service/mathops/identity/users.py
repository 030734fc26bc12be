"""Who may log in: anyone in the demo, else the users of a file."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import argon2
from argon2 import PasswordHasher

from mathops.errors import StartupError
from mathops.models import SCOPES, USER_NAME

NAME = re.compile(USER_NAME)
_HASH = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII)
# Each check takes 64 MiB and tens of milliseconds.
_CHECKS_AT_ONCE = 2


class DemoUsers:
    """The demo: every name is let in, no password is asked."""

    async def scopes(self, name: str, password: str | None) -> list[str] | None:
        """All scopes."""
        return list(SCOPES)


@dataclass(frozen=True)
class _User:
    password_hash: str
    scopes: list[str]


class UsersFile:
    """Users by lines `name:argon2id-hash:scopes`; an unknown name takes the same time as a wrong password."""

    def __init__(self, path: Path) -> None:
        self._hasher = PasswordHasher()
        self._users = _read(path)
        # Checked for who is unknown, so that time does not tell who exists; whether it matches does not count.
        self._unknown_user = _User(next(iter(self._users.values())).password_hash, [])
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)

    async def scopes(self, name: str, password: str | None) -> list[str] | None:
        """The user's scopes; the hash is computed off the event loop."""
        user = self._users.get(name, self._unknown_user)
        async with self._checks:
            matches = await asyncio.to_thread(self._matches, user.password_hash, password or "")
        return list(user.scopes) if matches and user is not self._unknown_user else None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except argon2.exceptions.VerificationError:
            return False


def users_line(name: str, password: str, scopes: Iterable[str]) -> str:
    """The line of a users file for a user with this password."""
    return f"{name}:{PasswordHasher().hash(_bytes(password))}:{' '.join(scopes)}"


def _bytes(password: str) -> bytes:
    # JSON can carry lone surrogates, which have no UTF-8: such a password is a wrong one as any other.
    return password.encode("utf-8", "surrogatepass")


def _read(path: Path) -> dict[str, _User]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"the users file {path} cannot be read: {error}") from None
    users: dict[str, _User] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        password_hash, _, scopes = rest.partition(":")
        known = set(scopes.split()) <= set(SCOPES)
        if not NAME.fullmatch(name) or name in users or not _HASH.fullmatch(password_hash) or not known:
            raise StartupError(
                f"the users file {path}, line {number}: write name:argon2id-hash:scopes, "
                f"each name once, with scopes of {' '.join(SCOPES)}; `mathops users hash` makes a hash"
            )
        users[name] = _User(password_hash, scopes.split() or list(SCOPES))
    if not users:
        raise StartupError(f"the users file {path} names no user")
    return users
