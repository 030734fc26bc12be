"""Cookies of the service (RFC 6265bis)."""

from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import Scope

from mathops.web.context import context_of
from mathops.web.sign_in.public_address import is_secure

# Browsers drop longer ones without a message.
MAX_CHARACTERS = 3900


class Cookie(NamedTuple):
    """`path` is below `url`, the public address of the service."""

    url: str
    name: str
    path: str = "/"

    def values(self, scope: Scope) -> list[str]:
        """Several, if another domain or path has a cookie of the same name."""
        pairs = (part.strip().partition("=") for part in (context_of(scope).header(b"cookie") or "").split(";"))
        return [value for name, _, value in pairs if name == self._full_name and value]

    def set(self, scope: Scope, value: str, seconds: int) -> None:
        """Send it with the response of the request."""
        secure = "; Secure" if is_secure(self.url) else ""
        attributes = f"Path={self._full_path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        header = f"{self._full_name}={value}; {attributes}"
        context_of(scope).response_headers.append((b"set-cookie", header.encode("ascii")))

    def delete(self, scope: Scope) -> None:
        self.set(scope, "", 0)

    @property
    def _full_path(self) -> str:
        return urlsplit(self.url).path + self.path

    @property
    def _full_name(self) -> str:
        """With a prefix, other hosts of the domain cannot set it."""
        if not is_secure(self.url):
            return self.name
        return f"__Host-{self.name}" if self._full_path == "/" else f"__Secure-{self.name}"
