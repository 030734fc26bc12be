"""The endpoint of an operation: GET, HEAD and POST give the exact result."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mathops.evaluator import NO_TIME, Evaluation
from mathops.models import encode_result
from mathops.operations import Operation, Result
from mathops.ports import Timing
from mathops.web.context import Fields, RequestContext, context_of
from mathops.web.negotiation import TEXT, representation
from mathops.web.parameters import from_body

_SLICE = 65536
_JSON_TYPE = (b"content-type", b"application/json")
_TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
_CACHE_STATUS = {"hit": (b"cache-status", b"mathops; hit"), "miss": (b"cache-status", b"mathops; fwd=miss")}
_NO_STORE = (b"cache-control", b"no-store")


class OperationEndpoint:
    """ASGI application of one operation."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        context = context_of(scope)
        form = context.representation or representation(context.field(b"accept"))
        arguments = context.arguments
        if arguments is None:
            arguments = self.operation.parse(await from_body(scope, receive, context))
            context.fresh_fields.append(_NO_STORE)
        evaluation = await self._evaluate(context, arguments, form, receive)
        context.result = evaluation.result
        context.cache = evaluation.cache
        text = evaluation.result.text
        body = text if form == TEXT else self._json(context.parameters, evaluation.result)
        fields = [
            _TEXT_TYPE if form == TEXT else _JSON_TYPE,
            (b"content-length", b"%d" % len(body)),
            _CACHE_STATUS[evaluation.cache],
            (b"server-timing", server_timing(evaluation.timing)),
            *context.fresh_fields,
        ]
        await _send(fields, b"" if scope["method"] == "HEAD" else body, send)

    def _json(self, parameters: dict[str, str], result: Result) -> bytes:
        return encode_result(self.operation.name, parameters, result.text, result.digits)

    def _evaluate(
        self, context: RequestContext, arguments: tuple[int, ...], form: str, receive: Receive
    ) -> Coroutine[Any, Any, Evaluation]:
        plan = context.plan(arguments, form)
        assert context.principal is not None
        work = context.resources.evaluator.evaluate(plan, context.principal.user)
        return until_disconnect(receive, work) if plan.large else work


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, Evaluation]) -> Evaluation:
    """The outcome of `work`; cancels it and raises ClientDisconnect when the client leaves first."""
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        left.cancel()
        task.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def server_timing(timing: Timing) -> bytes:
    """The Server-Timing field (W3C): milliseconds by stage."""
    if timing is NO_TIME:
        return b"queue;dur=0, compute;dur=0, encode;dur=0"
    queue, compute, encode = (seconds * 1000 for seconds in timing)
    return b"queue;dur=%.3f, compute;dur=%.3f, encode;dur=%.3f" % (queue, compute, encode)


async def _send(fields: Fields, body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    # In slices, so that a slow reader holds one copy of a long result and not two.
    end = max(0, len(body) - 1) // _SLICE * _SLICE
    for offset in range(0, end, _SLICE):
        await send({"type": "http.response.body", "body": body[offset : offset + _SLICE], "more_body": True})
    await send({"type": "http.response.body", "body": body[end:] if end else body})
