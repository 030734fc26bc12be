"""Documents about the service: OpenAPI and the event schema."""

from collections.abc import Sequence
from functools import cached_property

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mathops.events.asyncapi import document as asyncapi_document
from mathops.models import encode_json
from mathops.schemas import event_schema
from mathops.web.console.api_page import api_page
from mathops.web.context import context_of
from mathops.web.endpoint import Endpoint
from mathops.web.negotiation import JSON_SCHEMA
from mathops.web.openapi import document as openapi_document
from mathops.web.openapi_parts import Json

PUBLIC = {"Cache-Control": "public, max-age=300"}
# The prefix of links is that of this header. A cache in front of the proxy must not store what another caller sent.
_PREFIXED = {**PUBLIC, "Vary": "X-Forwarded-Prefix"}

schema = Response(encode_json(event_schema()), headers=PUBLIC, media_type=JSON_SCHEMA)


async def asyncapi(request: Request) -> Response:
    topic = context_of(request.scope).resources.settings.kafka_topic
    return JSONResponse(asyncapi_document(topic), headers=PUBLIC)


class Documents:
    """The description of the API, made at its first request."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints

    @cached_property
    def openapi(self) -> Json:
        return openapi_document(self._endpoints)

    @cached_property
    def page(self) -> str:
        return api_page(self.openapi)


async def openapi(request: Request) -> Response:
    root_path = context_of(request.scope).root_path
    servers = {"servers": [{"url": root_path}]} if root_path else {}
    return JSONResponse({**request.app.state.documents.openapi, **servers}, headers=_PREFIXED)
