"""X-Forwarded headers of trusted proxies; installed only with trusted proxies."""

from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mathops.settings import PATH_PREFIX

_MAX_PREFIX_BYTES = 256


class TrustedProxies:
    """Sets the client's address, the scheme, and `root_path`: the path prefix that the proxy has removed."""

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._addresses = ProxyHeadersMiddleware(cast("Any", app), trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The address of the proxy, which the next middleware replaces by that of the client.
        host, _ = scope.get("client") or (None, 0)
        if scope["type"] == "http" and host in self._addresses.trusted_hosts:
            scope["root_path"] = _prefix(scope["headers"])
        await self._addresses(cast("Any", scope), cast("Any", receive), cast("Any", send))


def _prefix(headers: list[tuple[bytes, bytes]]) -> str:
    """The prefix without a slash at its end; empty if the header is absent, invalid or repeated."""
    values = [value for name, value in headers if name == b"x-forwarded-prefix"]
    if len(values) != 1 or len(values[0]) > _MAX_PREFIX_BYTES:
        return ""
    prefix = values[0].decode("latin-1").removesuffix("/")
    return prefix if PATH_PREFIX.fullmatch(prefix) else ""
