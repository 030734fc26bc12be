"""Base of all middleware."""

from typing import Any, cast

from starlette.types import ASGIApp


class HttpMiddleware:
    """Keeps the next application, bound: CPython calls a method faster than an instance.

    A subclass that acts only before the next application returns its awaitable instead of awaiting it, because each
    coroutine costs time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app: ASGIApp = cast("Any", app).__call__
