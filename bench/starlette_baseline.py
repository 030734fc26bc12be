"""Lower bound of the cost: one Starlette handler that returns the same bytes as the service and stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = b'{"operation":"pow","parameters":{"base":"2","exp":"5"},"result":"32","digits":2}'
HEADERS = {
    "cache-status": "mathops; hit",
    "server-timing": "queue;dur=0, compute;dur=0, encode;dur=0",
    "etag": '"0e400993c8cca00795140a77"',
    "cache-control": "private, max-age=86400",
    "vary": "accept",
    "x-request-id": "01a20f6c-6779-76a1-a46f-cc63d84e71d5",
}


async def power(_: Request) -> Response:
    return Response(BODY, headers=HEADERS, media_type="application/json")


app = Starlette(routes=[Route("/pow", power)])
