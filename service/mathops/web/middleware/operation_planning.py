"""Reads an operation's parameters and plans its computation."""

from starlette.types import Receive, Scope, Send

from mathops.errors import InvalidParameter
from mathops.web.context import context_of
from mathops.web.middleware.base import HttpMiddleware
from mathops.web.negotiation import TEXT, preferred_media_type
from mathops.web.parameters import read_parameters


class OperationPlanning(HttpMiddleware):
    """Route middleware of operations; requests with invalid parameters or a too large result end here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        operation, resources = context.operation, context.resources
        assert operation is not None
        context.media_type = preferred_media_type(context.header(b"accept"))
        context.parameters, errors = await read_parameters(scope, receive)
        if errors:
            raise InvalidParameter(errors)
        settings = resources.settings
        limit = settings.text_digits if context.media_type == TEXT else settings.json_digits
        context.plan = resources.evaluator.plan(operation, operation.parse(context.parameters), limit)
        await self.app(scope, receive, send)
