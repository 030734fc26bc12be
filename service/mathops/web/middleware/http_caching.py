"""HTTP caching (RFC 9111): results are pure, so their ETag is known before any work."""

import re
from collections.abc import Awaitable
from hashlib import blake2b

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mathops.errors import PreconditionFailed
from mathops.web.compression import MIN_DIGITS
from mathops.web.context import HttpMiddleware, context_of

# Proxies that compress a response, such as Apache, append the coding to its tag.
_CODING = re.compile(r'(?:--?|;)(?:gzip|br|zstd|deflate)"')
_CACHE_CONTROL = (b"cache-control", b"private, max-age=86400")
_FRESHNESS = [_CACHE_CONTROL, (b"vary", b"accept")]
_LARGE_FRESHNESS = [_CACHE_CONTROL, (b"vary", b"accept, accept-encoding")]
_NO_STORE = (b"cache-control", b"no-store")


class HttpCaching(HttpMiddleware):
    """Route middleware of operations: adds ETag and freshness to results, and responds 304 to a matching condition."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context = context_of(scope)
        assert context.plan is not None
        if scope["method"] == "POST":
            context.result_headers = [_NO_STORE]
        else:
            # The key of a result includes the version of results.
            variant = f"{context.media_type}:{context.coding}" if context.coding else context.media_type
            digest = blake2b(f"{variant}:{context.plan.key}".encode("ascii"), digest_size=12)
            etag = f'"{digest.hexdigest()}"'
            freshness = _FRESHNESS if context.plan.predicted_digits < MIN_DIGITS else _LARGE_FRESHNESS
            context.result_headers = [(b"etag", etag.encode("ascii")), *freshness]
            required, known = context.header(b"if-match"), context.header(b"if-none-match")
            if required is not None and not matches(required, etag):
                raise PreconditionFailed("If-Match lists no tag of the result; send the request without it")
            # Dates and weak tags do not match (RFC 9110, 13.1.5).
            if context.byte_range and context.header(b"if-range") not in (None, etag):
                context.byte_range = None
            if known is not None and is_current(known, etag):
                response = Response(status_code=304)
                response.raw_headers = context.result_headers
                return response(scope, receive, send)
        return self.app(scope, receive, send)


def is_current(known: str, etag: str) -> bool:
    """Whether `known`, an If-None-Match header, lists `etag`; a proxy may have weakened the tags."""
    return matches(_CODING.sub('"', known.replace("W/", "")), etag)


def matches(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or etag in [candidate.strip() for candidate in condition.split(",")]
