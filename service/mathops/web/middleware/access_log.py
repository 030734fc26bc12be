"""Logs one line per request where a person reads the log; elsewhere the request log and the metrics have more."""

import time

from starlette.types import Receive, Scope, Send

from mathops.telemetry.logs import get_logger
from mathops.web.context import MAX_PATH_CHARACTERS, HttpMiddleware, context_of
from mathops.web.endpoint import shown_query
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST

log = get_logger(__name__)


class AccessLog(HttpMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        try:
            await self.app(scope, receive, send)
        finally:
            query = shown_query(scope)
            target = scope["raw_path"] + (b"?" + query if query else b"")
            # Control characters would act on the terminal.
            shown = ascii(target[:MAX_PATH_CHARACTERS].decode("latin-1"))[1:-1]
            milliseconds = 1000 * (time.perf_counter() - context.started)
            status = context.status or CLIENT_CLOSED_REQUEST
            log.info("%s %s %d %.1f ms", scope["method"], shown, status, milliseconds)
