"""The one record of a request: journal row, log line and event value alike.

Its JSON form is described by event.schema.json beside this file.
"""

from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

SCHEMA_VERSION = 1
SCOPES = ("math", "history")
# Longer parameter texts are cut: a refused request may carry anything.
MAX_PARAMETER_CHARACTERS = 256


class Record(msgspec.Struct, frozen=True, gc=False):
    """One request to an operation and how it was answered; `duration_ms` in milliseconds."""

    id: str
    timestamp: str
    user: str | None
    operation: str
    endpoint: str
    parameters: dict[str, str]
    result: str | None
    result_digits: int | None
    result_sha256: str | None
    status: int
    problem: str | None
    cache: str | None
    duration_ms: float
    request_id: str
    trace_id: str | None
    version: int = SCHEMA_VERSION


FIELDS: tuple[str, ...] = Record.__struct_fields__


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with microseconds, from seconds since the epoch."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def cut(parameters: dict[str, str]) -> dict[str, str]:
    """The parameters with no text over MAX_PARAMETER_CHARACTERS characters."""
    longest = MAX_PARAMETER_CHARACTERS
    for name, value in parameters.items():
        if len(name) > longest or len(value) > longest:
            return {name[:longest]: value[:longest] for name, value in parameters.items()}
    return parameters


def schema() -> dict[str, Any]:
    """The JSON Schema of a record, as published."""
    document: dict[str, Any] = msgspec.json.decode(files("mathops").joinpath("event.schema.json").read_bytes())
    return document
