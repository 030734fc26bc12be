"""The AsyncAPI document of the published events."""

from functools import cache
from typing import Any

from mathops import __version__
from mathops.events.messages import CONTENT_TYPE, EventHeaders
from mathops.schemas import event_schema, schemas

_CHANNEL, _MESSAGE = "requests", "request"
# AsyncAPI's own schema format is a superset of draft 7; the event schema uses nothing newer.
_DIALECT = ("$schema", "$id")


@cache
def document(topic: str) -> dict[str, Any]:
    """AsyncAPI 3.1: one topic, one message."""
    payload = {name: value for name, value in event_schema().items() if name not in _DIALECT}
    channel = {"$ref": f"#/channels/{_CHANNEL}"}
    message = {
        "name": _MESSAGE,
        "title": "A request to an operation",
        "summary": "published at least once and in order; a duplicate has the same id",
        "contentType": CONTENT_TYPE,
        "headers": schemas((EventHeaders,))[EventHeaders.__name__],
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": "the user; null without a valid token"}}},
    }
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "mathops events",
            "version": __version__,
            "description": "Every request to an operation, as an event in Kafka.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            _CHANNEL: {"address": topic, "messages": {_MESSAGE: {"$ref": f"#/components/messages/{_MESSAGE}"}}}
        },
        "operations": {
            "publish": {
                "action": "send",
                "channel": channel,
                "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/{_MESSAGE}"}],
            }
        },
        "components": {"messages": {_MESSAGE: message}},
    }
