"""Commits the record of an operation before the response starts."""

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from mathops.errors import JournalUnavailable
from mathops.web.context import HttpMiddleware, RequestContext, context_of
from mathops.web.middleware.error_handling import problem_response
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST


class Journaling(HttpMiddleware):
    """If the commit fails, the response is 503 journal-unavailable instead of the result."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        withheld = False

        async def send_recorded(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start" and context.recorded:
                try:
                    await _append(context, message["status"])
                except JournalUnavailable as error:
                    withheld = True
                    await problem_response(error, scope)(scope, receive, send)
            if not withheld:
                await send(message)

        try:
            await self.app(scope, receive, send_recorded)
        except ClientDisconnect:
            if context.recorded:
                context.problem = "client-closed-request"
                # No client is left to answer, and the journal counts the failure.
                with suppress(JournalUnavailable):
                    await _append(context, CLIENT_CLOSED_REQUEST)


async def _append(context: RequestContext, status: int) -> None:
    resources = context.resources
    with resources.tracing.span("journal commit"):
        await resources.journal.append(context.record(status))
