"""Records to store."""

import time

from uuid_utils import uuid7

from mathops.models import Record, encode_json, timestamp


def make_record(**values: object) -> Record:
    """A record of a typical request, changed by `values`."""
    fields: dict[str, object] = {
        "id": str(uuid7()),
        "timestamp": timestamp(time.time()),
        "user": "alice",
        "operation": "pow",
        "endpoint": "/pow",
        "parameters": {"base": "2", "exp": "5"},
        "result": "32",
        "result_digits": 2,
        "result_sha256": None,
        "status": 200,
        "problem": None,
        "cache": "miss",
        "duration_ms": 0.25,
        "request_id": "a-request",
        "trace_id": None,
        "traceparent": None,
    }
    return Record(**{**fields, **values})  # type: ignore[arg-type]  # tests name the fields


def json_lines(*records: Record) -> bytes:
    return b"".join(encode_json(record) + b"\n" for record in records)
