"""HTTP caching (RFC 9111): results are pure, so their ETag is known before any work."""

from collections.abc import Mapping
from hashlib import blake2b

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.evaluator import CACHE_VERSION
from mathops.operations import Operation
from mathops.web.context import context_of
from mathops.web.negotiation import representation
from mathops.web.parameters import from_query

MAX_AGE = 86400
_FIELDS = [(b"cache-control", b"private, max-age=%d" % MAX_AGE), (b"vary", b"accept")]


class Caching:
    """Answers 304 to who has the result already, and tells how long to keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        context = context_of(scope)
        if context.operation is not None and scope["method"] in ("GET", "HEAD"):
            form = context.representation = representation(context.field(b"accept"))
            values = from_query(scope["query_string"], context)
            context.arguments = context.operation.parse(values)
            etag = _etag(context.operation, values, form)
            context.fresh_fields = [(b"etag", etag.encode("ascii")), *_FIELDS]
            if _has(context.field(b"if-none-match"), etag):
                # What is refused without the condition is refused with it (RFC 9110, 13.2.1).
                context.plan(context.arguments, form)
                response = Response(status_code=304)
                response.raw_headers = context.fresh_fields
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _etag(operation: Operation, values: Mapping[str, str], form: str) -> str:
    """The name of a result: by its parameters, its form and its version."""
    texts = [values[parameter.name] for parameter in operation.parameters]
    name = ":".join((CACHE_VERSION, form, operation.name, *texts))
    return f'"{blake2b(name.encode("ascii"), digest_size=12).hexdigest()}"'


def _has(sent: str | None, etag: str) -> bool:
    if sent is None:
        return False
    return sent == "*" or etag in [candidate.strip().removeprefix("W/") for candidate in sent.split(",")]
