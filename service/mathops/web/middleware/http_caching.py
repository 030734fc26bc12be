"""HTTP caching (RFC 9111): results are pure, so their ETag is known before any work."""

from collections.abc import Awaitable
from hashlib import blake2b

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mathops.web.context import context_of
from mathops.web.middleware.base import HttpMiddleware

MAX_AGE = 86400
_FRESHNESS = [(b"cache-control", b"private, max-age=%d" % MAX_AGE), (b"vary", b"accept")]
_NO_STORE = (b"cache-control", b"no-store")


class HttpCaching(HttpMiddleware):
    """Route middleware of operations: adds ETag and freshness to results, and responds 304 to a matching condition."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context = context_of(scope)
        assert context.plan is not None
        if scope["method"] == "POST":
            context.result_headers = [_NO_STORE]
        else:
            etag = _etag(context.plan.key, context.media_type)
            context.result_headers = [(b"etag", etag.encode("ascii")), *_FRESHNESS]
            if _matches(context.header(b"if-none-match"), etag):
                response = Response(status_code=304)
                response.raw_headers = context.result_headers
                return response(scope, receive, send)
        return self.app(scope, receive, send)


def _etag(key: str, media_type: str) -> str:
    """Identifies a result by its cache key, which includes the version of results, and its media type."""
    return f'"{blake2b(f"{media_type}:{key}".encode("ascii"), digest_size=12).hexdigest()}"'


def _matches(condition: str | None, etag: str) -> bool:
    if condition is None:
        return False
    return condition == "*" or etag in [candidate.strip().removeprefix("W/") for candidate in condition.split(",")]
