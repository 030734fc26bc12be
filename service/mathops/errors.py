"""Every error that a caller may receive; each owns its HTTP status and problem type (RFC 9457)."""

from collections.abc import Sequence
from typing import Any, ClassVar

BEARER_CHALLENGE = 'Bearer realm="mathops"'


class MathopsError(Exception):
    """Base of all: `detail` says how to fix the request, `extensions` are further members of the problem document.

    `retry_after` are seconds until a retry may succeed, `challenge` is a WWW-Authenticate header (RFC 6750).
    """

    status: ClassVar[int]
    type: ClassVar[str]
    title: ClassVar[str]
    retry_after: int | None
    challenge: str | None

    def __init_subclass__(cls, *, status: int, type: str, title: str) -> None:  # noqa: A002 - of the class
        cls.status, cls.type, cls.title = status, type, title
        # A 401 response must have a challenge (RFC 9110, 15.5.2), and every 503 error of the service is temporary.
        cls.challenge = BEARER_CHALLENGE if status == 401 else None
        cls.retry_after = 1 if status == 503 else None

    def __init__(
        self, detail: str, *, retry_after: int | None = None, challenge: str | None = None, **extensions: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions
        self.retry_after = self.retry_after if retry_after is None else retry_after
        self.challenge = challenge or self.challenge


class InternalError(MathopsError, status=500, type="internal-error", title="Internal error"):
    """An unexpected error occurred. It is logged under the request id; the request may be sent again."""


class MalformedRequest(MathopsError, status=400, type="malformed-request", title="Malformed request"):
    """The request cannot be parsed: invalid JSON, a repeated member, or bytes that are not UTF-8."""


class Unauthorized(MathopsError, status=401, type="unauthorized", title="Valid bearer token required"):
    """The request has no valid bearer token. POST /login returns one."""


class Forbidden(MathopsError, status=403, type="insufficient-scope", title="Insufficient scope"):
    """The token is valid but lacks the scope that this resource requires."""


class NotFound(MathopsError, status=404, type="not-found", title="Not found"):
    """No resource has this path. /openapi.json lists all paths."""


class MethodNotAllowed(MathopsError, status=405, type="method-not-allowed", title="Method not allowed"):
    """The resource does not support this method. The Allow header lists the supported ones."""


class NotAcceptable(MathopsError, status=406, type="not-acceptable", title="Not acceptable"):
    """The Accept header allows none of the media types of this resource."""


class RequestTimeout(MathopsError, status=408, type="request-timeout", title="Request timeout"):
    """The body did not arrive in time."""


class PreconditionFailed(MathopsError, status=412, type="precondition-failed", title="Precondition failed"):
    """If-Match lists no entity tag of the result. Send the request without If-Match, or with the tag in ETag."""


class ContentTooLarge(MathopsError, status=413, type="content-too-large", title="Content too large"):
    """The body exceeds the size limit."""


class UriTooLong(MathopsError, status=414, type="uri-too-long", title="URI too long"):
    """The request target exceeds the length limit. Send long numbers in a POST body."""


class UnsupportedMediaType(MathopsError, status=415, type="unsupported-media-type", title="Unsupported media type"):
    """The resource does not accept the media type of the body. Send JSON."""


class InvalidParameter(MathopsError, status=422, type="invalid-parameter", title="Invalid parameter"):
    """One or more parameters are missing, unknown, repeated or out of range. `errors` lists all of them."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(f"{name[:64]}: {detail}" for name, detail in errors),
            errors=[{"parameter": name[:64], "detail": detail} for name, detail in errors],
        )


class ResultTooLarge(MathopsError, status=422, type="result-too-large", title="Result too large"):
    """The result would have more digits than the limit of the requested media type.

    `predicted_digits` is the size predicted before computing, `limit_digits` the limit.
    """


class QuotaExceeded(MathopsError, status=429, type="quota-exceeded", title="Quota exceeded"):
    """The caller has used up a quota. Retry-After gives the seconds until it is renewed."""


class HeaderFieldsTooLarge(MathopsError, status=431, type="header-fields-too-large", title="Header fields too large"):
    """The header fields exceed the size limit."""


class Overloaded(MathopsError, status=503, type="overloaded", title="Service overloaded"):
    """Too many connections or computations, or a computing process died twice. Retry-After is in seconds."""


class IssuerUnavailable(MathopsError, status=503, type="issuer-unavailable", title="Issuer unavailable"):
    """The keys of the token's issuer cannot be fetched, so that the token cannot be verified. Retry the request."""


class JournalUnavailable(MathopsError, status=503, type="journal-unavailable", title="Journal unavailable"):
    """The journal cannot be written or read: requests, or revoked tokens. Retry the request."""


class ServiceStopping(MathopsError, status=503, type="service-stopping", title="Service stopping"):
    """The service stops, and the request was not finished in time. Send it again."""


class DeadlineExceeded(MathopsError, status=504, type="deadline-exceeded", title="Deadline exceeded"):
    """The computation, including its wait in the queue, exceeded the deadline and was stopped."""


class StartupError(Exception):
    """The service cannot start; the message is one line that says how to fix it."""


def problem_types() -> dict[str, type[MathopsError]]:
    return {error.type: error for error in MathopsError.__subclasses__()}
