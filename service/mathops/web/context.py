"""Resources of the process, the context of one request, and the base of all middleware."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, cast

from msgspec import Struct, field
from starlette.types import ASGIApp, Scope
from uuid_utils import uuid7

from mathops.evaluator import Evaluator, Plan
from mathops.identity.issuers.accepted_issuers import AcceptedIssuers
from mathops.identity.keys import Keys
from mathops.identity.tokens import Principal, Tokens
from mathops.models import CacheOutcome, Record, timestamp, truncate
from mathops.operations import Operation, Result
from mathops.ports import Clients, Journal, RateLimiter, Revocations, Users
from mathops.settings import Settings
from mathops.telemetry.tracing import AnyTracing, RequestTrace
from mathops.web.endpoint import Endpoint
from mathops.web.endpoints.byte_ranges import ByteRange

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_CLOSE = (b"connection", b"close")

# Clients choose paths, and 8 KiB of digits are not readable.
MAX_PATH_CHARACTERS = 256
NO_STORE = {"Cache-Control": "no-store"}

Headers = list[tuple[bytes, bytes]]


@dataclass
class Resources:
    """Open while the service runs; `draining` is set shortly before it stops."""

    settings: Settings
    keys: Keys
    tokens: Tokens
    # None without an issuers file.
    issuers: AcceptedIssuers | None
    users: Users
    # None without a clients file.
    clients: Clients | None
    journal: Journal
    rate_limiter: RateLimiter
    evaluator: Evaluator
    revocations: Revocations
    # Status by name of optional dependencies, whose failure only degrades the service.
    dependencies: dict[str, Callable[[], str]]
    tracing: AnyTracing
    draining: bool = False


OpenResources = Callable[[Settings], AbstractAsyncContextManager[Resources]]


class RequestContext(Struct):
    """One request and its response, filled in by middleware and endpoints; `endpoint` is None for unknown paths."""

    resources: Resources
    endpoint: Endpoint | None
    path: str
    # Values of a repeated header are joined.
    headers: dict[bytes, bytes]
    record_id: str
    request_id: str
    # None without tracing.
    trace: RequestTrace | None = None
    # Sent with every response.
    response_headers: Headers = []
    received: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    operation: Operation | None = None
    # True for operations, except beyond the connection limit, for 414 and 431, and beyond the quota of rejected tokens.
    recorded: bool = False
    media_type: str = ""
    # Content coding of the result.
    coding: str | None = None
    # Part of a text result.
    byte_range: ByteRange | None = None
    parameters: dict[str, str] = {}
    plan: Plan | None = None
    # Sent with a result, not with an error.
    result_headers: Headers = []
    principal: Principal | None = None
    result: Result | None = None
    # Of a result that is too long for the record.
    result_sha256: str | None = None
    cache: CacheOutcome | None = None
    problem: str | None = None
    # Set when the response starts.
    status: int = 0
    # Precedes the path in links, because a proxy serves the service under it.
    root_path: str = ""

    @classmethod
    def of(cls, scope: Scope, resources: Resources, endpoint: Endpoint | None) -> "RequestContext":
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if len(headers) != len(scope["headers"]):
            headers = _combined(scope["headers"])
        record_id = request_id = str(uuid7())
        sent = headers.get(b"x-request-id")
        if sent is not None and _REQUEST_ID.fullmatch(sent):
            request_id = sent.decode("ascii")
        path = scope["path"][:MAX_PATH_CHARACTERS]
        context = cls(resources, endpoint, path, headers, record_id, request_id)
        context.response_headers.append((b"x-request-id", request_id.encode("ascii")))
        if endpoint is not None and endpoint.operation is not None:
            context.operation, context.recorded = endpoint.operation, True
        return context

    def header(self, name: bytes) -> str | None:
        """The request header of that lower-case name."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else None

    @property
    def trace_id(self) -> str | None:
        """None without tracing."""
        return self.trace.trace_id if self.trace else None

    def close_connection(self) -> None:
        """End the connection after the response, because the unread rest of a body would be parsed as a request."""
        if _CLOSE not in self.response_headers:
            self.response_headers.append(_CLOSE)

    def record(self, status: int) -> Record:
        """The record of this request."""
        assert self.operation is not None
        result, trace = self.result, self.trace
        return Record(
            id=self.record_id,
            timestamp=timestamp(self.received),
            user=self.principal.user if self.principal else None,
            operation=self.operation.name,
            endpoint=self.path,
            parameters=truncate(self.parameters),
            result=result.text.decode("ascii") if result and not self.result_sha256 else None,
            result_digits=result.digits if result else None,
            result_sha256=self.result_sha256,
            status=status,
            problem=self.problem,
            cache=self.cache,
            duration_ms=int((time.perf_counter() - self.started) * 1e6) / 1000,
            request_id=self.request_id,
            trace_id=self.trace_id,
            # Of a sampled trace the span that stores the record, which the publish span continues.
            traceparent=(self.resources.tracing.traceparent() or trace.traceparent) if trace else None,
        )


def _combined(headers: Headers) -> dict[bytes, bytes]:
    """One value for each name (RFC 9110, 5.3)."""
    combined: dict[bytes, bytes] = {}
    for name, value in headers:
        combined[name] = combined[name] + b", " + value if name in combined else value
    return combined


def context_of(scope: Scope) -> RequestContext:
    context: RequestContext = scope["context"]
    return context


class HttpMiddleware:
    """Stores the next application's `__call__`, because calling a bound method is faster.

    A subclass that acts only before the next application returns its awaitable instead of awaiting it, because each
    coroutine costs time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app: ASGIApp = cast("Any", app).__call__
