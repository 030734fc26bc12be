"""Every error that a caller may receive; each owns its HTTP status and problem type (RFC 9457)."""

from collections.abc import Sequence
from typing import Any, ClassVar

BEARER_CHALLENGE = 'Bearer realm="mathops"'


class MathopsError(Exception):
    """Base of all: `detail` says how to fix the request, `extensions` are further members of the problem document."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    # Seconds until a retry may succeed (Retry-After).
    retry_after: int | None = None
    # How to authenticate (WWW-Authenticate, RFC 6750).
    challenge: str | None = None

    def __init__(
        self, detail: str, *, retry_after: int | None = None, challenge: str | None = None, **extensions: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions
        if retry_after is not None:
            self.retry_after = retry_after
        if challenge is not None:
            self.challenge = challenge


class InternalError(MathopsError):
    """An unexpected error occurred. It is logged under the request id; the request may be sent again."""


class MalformedRequest(MathopsError):
    """The request cannot be parsed: invalid JSON, a repeated member, or bytes that are not UTF-8."""

    status = 400
    type = "malformed-request"
    title = "Malformed request"


class Unauthorized(MathopsError):
    """The request has no valid bearer token. POST /login returns one."""

    status = 401
    type = "unauthorized"
    title = "Valid bearer token required"
    challenge = BEARER_CHALLENGE


class Forbidden(MathopsError):
    """The token is valid but lacks the scope that this resource requires."""

    status = 403
    type = "insufficient-scope"
    title = "Insufficient scope"


class NotFound(MathopsError):
    """No resource has this path. /openapi.json lists all paths."""

    status = 404
    type = "not-found"
    title = "Not found"


class MethodNotAllowed(MathopsError):
    """The resource does not support this method. The Allow header lists the supported ones."""

    status = 405
    type = "method-not-allowed"
    title = "Method not allowed"


class NotAcceptable(MathopsError):
    """The Accept header allows none of the media types of this resource."""

    status = 406
    type = "not-acceptable"
    title = "Not acceptable"


class RequestTimeout(MathopsError):
    """The body did not arrive in time."""

    status = 408
    type = "request-timeout"
    title = "Request timeout"


class ContentTooLarge(MathopsError):
    """The body exceeds the size limit."""

    status = 413
    type = "content-too-large"
    title = "Content too large"


class UriTooLong(MathopsError):
    """The request target exceeds the length limit. Send long numbers in a POST body."""

    status = 414
    type = "uri-too-long"
    title = "URI too long"


class UnsupportedMediaType(MathopsError):
    """The resource does not accept the media type of the body. Send JSON."""

    status = 415
    type = "unsupported-media-type"
    title = "Unsupported media type"


class InvalidParameter(MathopsError):
    """One or more parameters are missing, unknown, repeated or out of range. `errors` lists all of them."""

    status = 422
    type = "invalid-parameter"
    title = "Invalid parameter"

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(f"{name[:64]}: {detail}" for name, detail in errors),
            errors=[{"parameter": name[:64], "detail": detail} for name, detail in errors],
        )


class ResultTooLarge(MathopsError):
    """The result would have more digits than the limit of the requested media type.

    `predicted_digits` is the size predicted before computing, `limit_digits` the limit.
    """

    status = 422
    type = "result-too-large"
    title = "Result too large"


class QuotaExceeded(MathopsError):
    """The caller has used up a quota. Retry-After gives the seconds until it is renewed."""

    status = 429
    type = "quota-exceeded"
    title = "Quota exceeded"


class HeaderFieldsTooLarge(MathopsError):
    """The header fields exceed the size limit."""

    status = 431
    type = "header-fields-too-large"
    title = "Header fields too large"


class Overloaded(MathopsError):
    """Too many connections or computations, or a compute process died twice. Retry-After gives the seconds to wait."""

    status = 503
    type = "overloaded"
    title = "Service overloaded"
    retry_after = 1


class JournalUnavailable(MathopsError):
    """The request could not be stored, or stored requests cannot be read. Retry the request."""

    status = 503
    type = "journal-unavailable"
    title = "Journal unavailable"
    retry_after = 1


class RevocationUnavailable(MathopsError):
    """Token revocation is temporarily unavailable. Retry the request."""

    status = 503
    type = "revocation-unavailable"
    title = "Revocation check unavailable"
    retry_after = 1


class DeadlineExceeded(MathopsError):
    """The computation, including its wait in the queue, exceeded the deadline and was stopped."""

    status = 504
    type = "deadline-exceeded"
    title = "Deadline exceeded"


class StartupError(Exception):
    """The service cannot start; the message is one line that says how to fix it."""


def problem_types() -> dict[str, type[MathopsError]]:
    """All errors by problem type."""
    return {error.type: error for error in MathopsError.__subclasses__()}
