"""Refuses what is too large to be read: target, header fields, body; and a body that comes too slowly."""

import asyncio
from itertools import chain

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mathops.errors import (
    ContentTooLarge,
    HeaderFieldsTooLarge,
    MathopsError,
    RequestTimeout,
    UriTooLong,
)
from mathops.settings import Settings
from mathops.web.exchange import exchange_of
from mathops.web.problems import problem_response

_CLOSE = {"Connection": "close"}


class Limits:
    """Sizes and times are those of the settings."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        error = self._fault(scope)
        if error is None and scope["method"] not in ("GET", "HEAD"):
            error = self._body_fault(scope)
            receive = self._bounded(receive)
        if error is None:
            await self.app(scope, receive, send)
        else:
            await problem_response(error, scope)(scope, receive, send)

    def _fault(self, scope: Scope) -> MathopsError | None:
        settings = self.settings
        if len(scope["raw_path"]) + len(scope["query_string"]) > settings.url_bytes:
            return UriTooLong(f"send at most {settings.url_bytes} bytes; long numbers go into a POST body")
        headers = scope["headers"]
        # Each field costs its name, its value, and ": " and the line end.
        if sum(map(len, chain.from_iterable(headers))) + 4 * len(headers) > settings.header_bytes:
            return HeaderFieldsTooLarge(f"send at most {settings.header_bytes} bytes of header fields")
        return None

    def _body_fault(self, scope: Scope) -> MathopsError | None:
        length = exchange_of(scope).field(b"content-length")
        if length is not None and length.isdigit() and len(length) < 20 and int(length) > self.settings.body_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> ContentTooLarge:
        # What was not read would be taken for the next request.
        return ContentTooLarge(f"send at most {self.settings.body_bytes} bytes", headers=_CLOSE)

    def _bounded(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self.settings.read_timeout_seconds
        size = 0
        whole = False

        async def bounded() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise RequestTimeout(
                    f"the body did not come within {self.settings.read_timeout_seconds:g} s", headers=_CLOSE
                ) from None
            size += len(message.get("body", b""))
            if size > self.settings.body_bytes:
                raise self._too_large()
            whole = not message.get("more_body", False)
            return message

        return bounded
