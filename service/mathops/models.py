"""JSON documents, one Struct each; OpenAPI, the event schema, validation and the command line derive from them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

SCHEMA_VERSION = 2
# Longer parameter texts are cut, because a rejected request may contain anything.
MAX_PARAMETER_CHARACTERS = 256
# Hashing takes longer for longer passwords.
MAX_PASSWORD_LENGTH = 1024
MAX_PAGE_SIZE = 200
_STATUS = {"minimum": 200, "maximum": 599}
MAX_NAME_LENGTH = 64
USER_NAME = f"[A-Za-z0-9][A-Za-z0-9._@-]{{0,{MAX_NAME_LENGTH - 1}}}"
USER_NAME_RULE = f"a name of 1 to {MAX_NAME_LENGTH} letters, digits, dots, dashes, underscores and @"
TRACEPARENT = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
INTEGER_PATTERN = "^(0|-?[1-9][0-9]*)$"

Document = TypeVar("Document", bound=Struct)
CacheOutcome = Literal["hit", "miss"]
# Sequence numbers have 64 bits.
Cursor = Annotated[int, Meta(ge=0, lt=10**18)]
# Lower-case words: names of operations and problem types.
FilterText = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$(?!\n)")]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD_LENGTH)]
TruncatedText = Annotated[str, Meta(extra_json_schema={"maxLength": MAX_PARAMETER_CHARACTERS})]
DecimalText = Annotated[str, Meta(extra_json_schema={"pattern": INTEGER_PATTERN})]

encode_json = msgspec.json.Encoder().encode


def _doc(description: str, **schema: Any) -> Meta:
    """Describes a member without validating it: the service itself writes these documents."""
    return Meta(description=description, extra_json_schema=schema)


class Record(Struct, frozen=True, gc=False):
    """One request to an operation: journal row, log line and event value."""

    id: Annotated[str, _doc("UUIDv7; unique, the key for removing duplicates", format="uuid")]
    timestamp: Annotated[str, _doc("RFC 3339, UTC, when the request was received", format="date-time")]
    user: Annotated[str | None, _doc("subject of the token, of an external one URL#subject; null without a valid one")]
    operation: Annotated[str, _doc("name of the operation")]
    endpoint: Annotated[str, _doc("path of the request")]
    parameters: Annotated[dict[str, TruncatedText], _doc(f"as sent, each cut at {MAX_PARAMETER_CHARACTERS} characters")]
    result: Annotated[str | None, _doc("exact; null when rejected, or too long to record", pattern=INTEGER_PATTERN)]
    result_digits: Annotated[int | None, _doc("decimal digits of the result", minimum=1)]
    result_sha256: Annotated[str | None, _doc("SHA-256 of the decimal text", pattern="^[0-9a-f]{64}$")]
    status: Annotated[int, _doc("HTTP status; 499 when the client disconnected", **_STATUS)]
    problem: Annotated[str | None, _doc("problem type of a rejected request; client-closed-request for status 499")]
    cache: Annotated[CacheOutcome | None, _doc("whether the cache had the result")]
    duration_ms: Annotated[float, _doc("milliseconds until the response started", minimum=0)]
    request_id: Annotated[str, _doc("X-Request-ID of the response", minLength=1, maxLength=128)]
    trace_id: Annotated[str | None, _doc("W3C trace id, when tracing is on", pattern="^[0-9a-f]{32}$")]
    traceparent: Annotated[str | None, _doc("W3C trace context of the stored record", pattern=TRACEPARENT)]
    version: Annotated[int, _doc("version of this schema", const=SCHEMA_VERSION)] = SCHEMA_VERSION


FIELDS: tuple[str, ...] = Record.__struct_fields__


class ParameterError(Struct):
    """An error of one parameter."""

    parameter: str
    detail: str


class Problem(Struct, kw_only=True):
    """Error response (RFC 9457); further members depend on the type."""

    type: Annotated[str, _doc("URI reference of the problem type")]
    title: str
    status: int
    detail: Annotated[str, _doc("how to fix the request")]
    instance: Annotated[str, _doc("path of the request")]
    request_id: str
    trace_id: str | UnsetType = UNSET
    errors: Annotated[list[ParameterError], _doc("every invalid parameter")] | UnsetType = UNSET
    predicted_digits: int | UnsetType | None = UNSET
    limit_digits: int | UnsetType = UNSET
    deadline_seconds: float | UnsetType = UNSET
    violated_policies: list[str] | UnsetType = field(default=UNSET, name="violated-policies")


class OperationResult(Struct):
    """Exact result of an operation; integers are decimal strings (RFC 7493)."""

    operation: str
    parameters: dict[str, DecimalText]
    result: DecimalText
    digits: Annotated[int, _doc("decimal digits of the result", minimum=1)]


class Prediction(Struct):
    """Size and cost of an operation, predicted without computing it, and the limits that apply."""

    operation: str
    parameters: dict[str, DecimalText]
    predicted_digits: Annotated[
        Annotated[int, Meta(ge=1)] | None, _doc("upper bound of the result's digits; null beyond 10^18")
    ]
    predicted_seconds: Annotated[float, _doc("processor time, at most a day", minimum=0)]
    limits: Annotated[dict[str, int], _doc("maximum digits of a result by media type")]
    accepted: Annotated[list[str], _doc("media types in which the result is not certainly too large")]
    deadline_seconds: Annotated[float, _doc("time limit of a computation", minimum=0)]


class Credentials(Struct, forbid_unknown_fields=True):
    """Body of POST /login; the password is required where the service has a users file."""

    # Python's $ matches before a final newline too.
    user: Annotated[str, Meta(pattern=f"^{USER_NAME}$(?!\n)", description=USER_NAME_RULE, examples=["alice"])]
    password: Annotated[
        Password | None,
        Meta(
            description=f"a text of at most {MAX_PASSWORD_LENGTH} characters, or nothing",
            extra_json_schema={"format": "password"},
        ),
    ] = None


class PasswordCredentials(Credentials):
    """Credentials where the service has a users file."""

    password: Annotated[Password, Meta(min_length=1, description=f"1 to {MAX_PASSWORD_LENGTH} characters")]


class TokenResponse(Struct):
    """Response to a login (RFC 6749, 5.1); `token` equals `access_token`, for clients of the first version."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, _doc("seconds")]
    scope: str
    token: str


class HistoryFilters(Struct, kw_only=True):
    """Conditions on records; parameters of GET /history and options of `mathops history`."""

    operation: Annotated[FilterText | UnsetType, Meta(description="the name of an operation, such as pow")] = UNSET
    status: Annotated[
        Annotated[int, Meta(ge=_STATUS["minimum"], le=_STATUS["maximum"])] | UnsetType,
        Meta(description="an HTTP status from {minimum} to {maximum}".format(**_STATUS)),
    ] = UNSET
    outcome: Annotated[
        FilterText | UnsetType, Meta(description="an outcome: ok, error (any problem) or a problem type")
    ] = UNSET
    since: Annotated[
        Annotated[datetime, Meta(tz=True)] | UnsetType,
        Meta(description="the earliest time, such as 2026-01-01T00:00:00Z"),
    ] = UNSET


class HistoryQuery(HistoryFilters, kw_only=True):
    """Query of GET /history."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE, description=f"a page size from 1 to {MAX_PAGE_SIZE}")] = 50
    before: Annotated[Cursor | UnsetType, Meta(description="the cursor in the `next` link of a page")] = UNSET
    after: Annotated[Cursor | UnsetType, Meta(description="the cursor in the `newer` link of a page")] = UNSET


class HistoryPage(Struct):
    """Records of the caller, newest first."""

    records: list[Record]
    next: Annotated[str | None, _doc("path of the following page, which has older records")]
    newer: Annotated[str, _doc("path of the page with newer records, which is empty until there are some")]


def encode_result(operation: str, parameters: dict[str, str], text: bytes, digits: int) -> bytes:
    """OperationResult as JSON; `text` is the result in ASCII digits."""
    # Digits need no escaping: quoting them is faster than decoding and encoding a long text.
    result: Any = Raw(b'"%b"' % text)
    return encode_json(OperationResult(operation, parameters, result, digits))


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with microseconds, from seconds since the epoch."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def truncate(parameters: dict[str, str]) -> dict[str, str]:
    """The parameters, with names and texts cut at MAX_PARAMETER_CHARACTERS."""
    limit = MAX_PARAMETER_CHARACTERS
    return {name[:limit]: value[:limit] for name, value in parameters.items()}
