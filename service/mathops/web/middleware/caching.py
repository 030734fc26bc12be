"""HTTP caching (RFC 9111): results are pure, so their ETag is known before any work."""

from hashlib import blake2b

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.evaluate import CACHE_VERSION
from mathops.operations import Operation
from mathops.web.exchange import Exchange, exchange_of
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
        exchange = exchange_of(scope)
        if exchange.operation is not None and scope["method"] in ("GET", "HEAD"):
            etag = _etag(exchange, exchange.operation, scope["query_string"])
            exchange.fresh_fields = [(b"etag", etag.encode("ascii")), *_FIELDS]
            if _has(exchange.field(b"if-none-match"), etag):
                response = Response(status_code=304)
                response.raw_headers = exchange.fresh_fields
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _etag(exchange: Exchange, operation: Operation, query: bytes) -> str:
    """Parse the parameters and name the result by them, its representation and its version."""
    form = exchange.representation = representation(exchange.field(b"accept"))
    values = from_query(query, exchange)
    exchange.arguments = operation.parse(values)
    texts = [values[parameter.name] for parameter in operation.parameters]
    name = ":".join((CACHE_VERSION, form, operation.name, *texts))
    return f'"{blake2b(name.encode("ascii"), digest_size=12).hexdigest()}"'


def _has(sent: str | None, etag: str) -> bool:
    if sent is None:
        return False
    return sent == "*" or etag in [candidate.strip().removeprefix("W/") for candidate in sent.split(",")]
