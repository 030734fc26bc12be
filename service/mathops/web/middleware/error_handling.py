"""Renders errors of endpoints and of inner middleware as problem responses."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mathops.errors import InternalError, MathopsError
from mathops.telemetry.logs import get_logger
from mathops.web.context import context_of
from mathops.web.middleware.base import HttpMiddleware
from mathops.web.problems import problem_response

log = get_logger(__name__)


class ErrorHandling(HttpMiddleware):
    """Errors after the start of the response are raised again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            raise
        except Exception as error:
            context = context_of(scope)
            if context.status:
                raise
            if not isinstance(error, MathopsError):
                log.error("request failed", exc_info=error, request_id=context.request_id, path=scope["path"][:256])
                error = InternalError("an unexpected error occurred and was logged under this request id")
            await problem_response(error, scope)(scope, receive, send)
