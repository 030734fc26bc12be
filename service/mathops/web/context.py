"""What the middleware learns of one request, on its way in and out."""

import re
import time
from typing import Any

from msgspec import Struct
from starlette.types import Scope
from uuid_utils import uuid7

from mathops.evaluator import Plan
from mathops.identity.tokens import Principal
from mathops.models import CacheOutcome, Record, cut, timestamp
from mathops.operations import Operation, Result
from mathops.web.negotiation import TEXT
from mathops.web.resources import Resources

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")

_CLOSE = (b"connection", b"close")

Fields = list[tuple[bytes, bytes]]


class RequestContext(Struct):
    """One request and its answer; each middleware fills in what it finds.

    `fields` are the request's header fields (those of one name as one list), `answer_fields` those that the
    middleware adds to any answer, `fresh_fields` those it adds to a result.
    """

    resources: Resources
    route: str | None
    operation: Operation | None
    trace_id: str | None
    path: str
    fields: dict[bytes, bytes]
    id: str
    request_id: str
    answer_fields: Fields
    received: float
    started: float
    # Only operations are kept; authentication takes back what a flood of refusals would write.
    recorded: bool
    fresh_fields: Fields = []
    parameters: dict[str, str] = {}
    arguments: tuple[int, ...] | None = None
    principal: Principal | None = None
    representation: str | None = None
    result: Result | None = None
    cache: CacheOutcome | None = None
    problem: str | None = None
    # Set when the answer begins.
    status: int = 0

    @classmethod
    def of(
        cls,
        scope: Scope,
        resources: Resources,
        route: str | None,
        operation: Operation | None,
        trace_id: str | None,
    ) -> "RequestContext":
        """The context that a request begins."""
        fields: dict[bytes, bytes] = dict(scope["headers"])
        if len(fields) != len(scope["headers"]):
            fields = _combined(scope["headers"])
        identity = request_id = str(uuid7())
        sent = fields.get(b"x-request-id")
        if sent is not None and _REQUEST_ID.fullmatch(sent):
            request_id = sent.decode("ascii")
        return cls(
            resources=resources,
            route=route,
            operation=operation,
            trace_id=trace_id,
            path=scope["path"],
            fields=fields,
            id=identity,
            request_id=request_id,
            answer_fields=[(b"x-request-id", request_id.encode("ascii"))],
            received=time.time(),
            started=time.perf_counter(),
            recorded=operation is not None,
        )

    def field(self, name: bytes) -> str | None:
        """The request's header field of that (lower-case) name."""
        value = self.fields.get(name)
        return value.decode("latin-1") if value is not None else None

    def close_connection(self) -> None:
        """End the connection after the response: what was not read of a body would be taken for the next request."""
        if _CLOSE not in self.answer_fields:
            self.answer_fields.append(_CLOSE)

    def plan(self, arguments: tuple[int, ...], form: str) -> Plan:
        """The computation that is asked for, to be answered in the media type `form`; raises ResultTooLarge."""
        assert self.operation is not None
        settings = self.resources.settings
        limit = settings.text_digits if form == TEXT else settings.json_digits
        return self.resources.evaluator.plan(self.operation, arguments, limit)

    def record(self, status: int, longest: int) -> Record:
        """The record of this context; a result of more than `longest` digits is named by its SHA-256."""
        assert self.operation is not None
        result = self.result
        shown = result is not None and result.digits <= longest
        return Record(
            id=self.id,
            timestamp=timestamp(self.received),
            user=self.principal.user if self.principal else None,
            operation=self.operation.name,
            endpoint=self.path,
            parameters=cut(self.parameters),
            result=result.text.decode("ascii") if result and shown else None,
            result_digits=result.digits if result else None,
            result_sha256=result.sha256 if result and not shown else None,
            status=status,
            problem=self.problem,
            cache=self.cache,
            duration_ms=int((time.perf_counter() - self.started) * 1e6) / 1000,
            request_id=self.request_id,
            trace_id=self.trace_id,
            traceparent=self.resources.tracing.traceparent(),
        )


def _combined(fields: Fields) -> dict[bytes, bytes]:
    """One value for each name (RFC 9110, 5.3)."""
    combined: dict[bytes, bytes] = {}
    for name, value in fields:
        combined[name] = combined[name] + b", " + value if name in combined else value
    return combined


def context_of(scope: Any) -> RequestContext:
    """The context of a request."""
    context: RequestContext = scope["context"]
    return context
