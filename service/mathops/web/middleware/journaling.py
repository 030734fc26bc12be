"""Commits the record of an operation before the first byte of its answer leaves."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mathops.errors import JournalUnavailable
from mathops.web.context import RequestContext, context_of
from mathops.web.middleware.request_metrics import CLIENT_CLOSED_REQUEST
from mathops.web.problems import problem_response


class Journaling:
    """A result that could not be stored is withheld: the answer is then 503 journal-unavailable."""

    def __init__(self, app: ASGIApp, longest: int) -> None:
        self.app = app
        self.longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        context = context_of(scope)
        withheld = False

        async def recorded(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start" and context.recorded:
                try:
                    await self._append(context, message["status"])
                except JournalUnavailable as error:
                    withheld = True
                    await problem_response(error, scope)(scope, receive, send)
            if not withheld:
                await send(message)

        try:
            await self.app(scope, receive, recorded)
        except ClientDisconnect:
            # Nobody is left to answer.
            if context.recorded:
                await self._gone(context)

    async def _append(self, context: RequestContext, status: int) -> None:
        # The record holds the traceparent of this span, which the publish span continues.
        with context.resources.tracing.span("journal append"):
            await context.resources.journal.append(context.record(status, self.longest))

    async def _gone(self, context: RequestContext) -> None:
        context.problem = "client-closed-request"
        try:
            await self._append(context, CLIENT_CLOSED_REQUEST)
        except JournalUnavailable:
            # Nobody waits for this answer, and the failure is counted.
            return
