"""The form of a published event."""

from mathops.models import SCHEMA_VERSION, Record, encode_json
from mathops.ports import Message


def to_message(record: Record, traceparent: str | None) -> Message:
    """The event of a record, keyed by user, because Kafka keeps the order of one key."""
    headers = [("content-type", b"application/json"), ("schema-version", str(SCHEMA_VERSION).encode())]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return Message(record.user.encode() if record.user else None, encode_json(record), headers)
