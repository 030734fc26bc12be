"""Plans and computes an operation and sends its exact result; HTTP caching is between the two steps."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from mathops.errors import InvalidParameter, RangeNotSatisfiable
from mathops.evaluator import NO_TIME, Evaluation
from mathops.models import encode_result
from mathops.operations import Result
from mathops.ports import Timing
from mathops.web.compression import MIN_DIGITS, compressed
from mathops.web.context import Headers, HttpMiddleware, RequestContext, context_of
from mathops.web.endpoints.byte_ranges import byte_range, selected
from mathops.web.negotiation import TEXT, preferred_coding, preferred_media_type
from mathops.web.parameters import read_parameters

_CHUNK_BYTES = 65536
# A shorter result takes less than half a millisecond.
_INLINE_DIGITS = 65536
_JSON_TYPE = (b"content-type", b"application/json")
_TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
_ACCEPT_RANGES = (b"accept-ranges", b"bytes")
_CACHE_STATUS = {"hit": (b"cache-status", b"mathops; hit"), "miss": (b"cache-status", b"mathops; fwd=miss")}


class OperationPlanning(HttpMiddleware):
    """Route middleware; requests with invalid parameters or a too large result end here."""

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
        arguments = operation.parse(context.parameters)
        context.plan = resources.evaluator.plan(operation, arguments, limit, settings.text_digits)
        if context.media_type == TEXT and scope["method"] == "GET":
            context.byte_range = byte_range(context.header(b"range"))
        # A range counts the bytes of the digits, without a coding.
        if context.plan.predicted_digits >= MIN_DIGITS and context.byte_range is None:
            context.coding = preferred_coding(context.header(b"accept-encoding"))
        await self.app(scope, receive, send)


class OperationEndpoint:
    """ASGI application of GET, HEAD and POST."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        plan, principal = context.plan, context.principal
        assert plan is not None
        assert principal is not None
        work = context.resources.evaluator.evaluate(plan, principal.user)
        evaluation = await (until_disconnect(receive, work) if plan.pooled else work)
        result, text = evaluation.result, context.media_type == TEXT
        context.cache = evaluation.cache
        part = _part(context, len(result.text)) if context.byte_range else None
        if result.digits > context.resources.settings.record_digits:
            context.result_sha256 = await _sha256(result)
        context.result = result
        name = plan.operation.name
        body = result.text if text else encode_result(name, context.parameters, result.text, result.digits)
        if context.coding:
            body = await compressed(body, context.coding)
            context.result_headers.append((b"content-encoding", context.coding.encode("ascii")))
        elif text and scope["method"] != "POST":
            context.result_headers.append(_ACCEPT_RANGES)
        status, body = (206, body[part]) if part else (200, body)
        headers = [
            _TEXT_TYPE if text else _JSON_TYPE,
            (b"content-length", b"%d" % len(body)),
            _CACHE_STATUS[evaluation.cache],
            (b"server-timing", server_timing(evaluation.timing)),
            *context.result_headers,
        ]
        await _send(status, headers, b"" if scope["method"] == "HEAD" else body, send)


async def _sha256(result: Result) -> str:
    if result.known_sha256 or result.digits <= _INLINE_DIGITS:
        return result.sha256
    # hashlib releases the GIL.
    return await asyncio.to_thread(lambda: result.sha256)


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, Evaluation]) -> Evaluation:
    """The result of `work`; if the client disconnects first, cancels it and raises ClientDisconnect."""
    task = asyncio.ensure_future(work)
    disconnect = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((task, disconnect), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        disconnect.cancel()
        task.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def server_timing(timing: Timing) -> bytes:
    """The Server-Timing header (W3C): milliseconds by stage."""
    if timing is NO_TIME:
        return b"queue;dur=0, compute;dur=0, encode;dur=0"
    queue, compute, encode = (seconds * 1000 for seconds in timing)
    return b"queue;dur=%.3f, compute;dur=%.3f, encode;dur=%.3f" % (queue, compute, encode)


def _part(context: RequestContext, length: int) -> slice:
    """The requested part of a text result of `length` bytes; adds Content-Range to the response."""
    assert context.byte_range is not None
    try:
        part = selected(context.byte_range, length)
    except RangeNotSatisfiable:
        context.response_headers.append((b"content-range", b"bytes */%d" % length))
        raise
    context.result_headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.stop - 1, length)))
    return part


async def _send(status: int, headers: Headers, body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    # In chunks, because a slow reader would otherwise hold a second copy of a long result.
    end = max(0, len(body) - 1) // _CHUNK_BYTES * _CHUNK_BYTES
    for offset in range(0, end, _CHUNK_BYTES):
        await send({"type": "http.response.body", "body": body[offset : offset + _CHUNK_BYTES], "more_body": True})
    await send({"type": "http.response.body", "body": body[end:] if end else body})
