"""Renders errors of endpoints and of inner middleware as problem responses."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mathops.web.context import context_of
from mathops.web.middleware.base import HttpMiddleware
from mathops.web.problems import as_mathops_error, problem_response


class ErrorHandling(HttpMiddleware):
    """Errors after the start of the response are raised again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            if context_of(scope).status:
                raise
            await problem_response(as_mathops_error(error, scope), scope)(scope, receive, send)
