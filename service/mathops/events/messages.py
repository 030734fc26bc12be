"""The form of a published event, and the size of a batch of them."""

import socket
from itertools import accumulate
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from mathops import __version__
from mathops.models import SCHEMA_VERSION, TRACEPARENT, Record, encode_json
from mathops.ports import Message, OutboxRow

CONTENT_TYPE = "application/json"
_SCHEMA = str(SCHEMA_VERSION)


class EventHeaders(Struct, rename="kebab"):
    """Headers of a published event; texts in UTF-8."""

    content_type: Annotated[str, Meta(extra_json_schema={"const": CONTENT_TYPE})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": _SCHEMA})]
    producer_version: Annotated[str, Meta(description="version of the service that published the event")]
    producer_instance: Annotated[str, Meta(description="its host name, in Kubernetes the name of the pod")]
    traceparent: Annotated[
        str | UnsetType,
        Meta(description="W3C trace context of a traced request", extra_json_schema={"pattern": TRACEPARENT}),
    ] = UNSET


_NAMES = EventHeaders.__struct_encode_fields__
_VALUES = tuple(text.encode() for text in (CONTENT_TYPE, _SCHEMA, __version__, socket.gethostname()))


def to_message(record: Record, traceparent: str | None) -> Message:
    """The event of a record, keyed by user, because Kafka keeps the order of one key."""
    values = (*_VALUES, traceparent.encode()) if traceparent else _VALUES
    headers = list(zip(_NAMES, values, strict=False))
    return Message(record.user.encode() if record.user else None, encode_json(record), headers)


def first_rows(rows: list[OutboxRow], max_digits: int) -> list[OutboxRow]:
    """The first rows, at least one, whose results have at most `max_digits` in total."""
    totals = accumulate(len(row.record.result or "") for row in rows)
    return rows[: max(1, sum(total <= max_digits for total in totals))]
