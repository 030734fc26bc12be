"""Turns what is raised further in into problem answers."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.web.context import context_of
from mathops.web.problems import as_mathops_error, problem_response


class Problems:
    """Answers errors, unless the answer has begun already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            if context_of(scope).status:
                raise
            await problem_response(as_mathops_error(error, scope), scope)(scope, receive, send)
