"""Cross-origin requests of browsers (CORS, part of the Fetch standard); installed only with allowed origins."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mathops.web.context import context_of
from mathops.web.endpoint import Endpoint

# Request headers that the service reads, beyond those that browsers send without a preflight request.
_REQUEST_HEADERS = (
    "Authorization",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Range",
    "X-Request-ID",
    "traceparent",
    "tracestate",
)
# Chromium's maximum; Firefox permits more.
_PREFLIGHT_SECONDS = 7200


class CrossOriginRequests(CORSMiddleware):
    """Answers preflight requests itself, without token, quota and record, and adds headers to all other responses."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], endpoints: Sequence[Endpoint]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=sorted({method for endpoint in endpoints for method in endpoint.methods or ()}),
            allow_headers=_REQUEST_HEADERS,
            # Without cookies, the wildcard includes every header of a response.
            expose_headers=["*"],
            # Preflight requests of some Chromium versions to private addresses would otherwise fail.
            allow_private_network=True,
            max_age=_PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(scope)
        if scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= context.headers.keys():
            # The metrics of operations must not count it.
            context.operation = None
        await super().__call__(scope, receive, send)
