"""What can go wrong for a caller; each error owns its HTTP status and problem type (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class MathopsError(Exception):
    """Base of all: `detail` says how to put it right, `extensions` are further problem members."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "The service failed"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions


class InternalError(MathopsError):
    """The service met a fault of its own. It is logged under the request id; the request may be sent again."""


class MalformedRequest(MathopsError):
    """The request could not be read: broken JSON, a member named twice, or bytes that are not UTF-8."""

    status = 400
    type = "malformed-request"
    title = "The request cannot be read"


class Unauthorized(MathopsError):
    """No valid bearer token came with the request. POST /login gives one."""

    status = 401
    type = "unauthorized"
    title = "A valid bearer token is needed"


class Forbidden(MathopsError):
    """The token is valid and lacks the scope that this resource needs."""

    status = 403
    type = "insufficient-scope"
    title = "The token lacks a scope"


class NotFound(MathopsError):
    """No resource has this path. /openapi.json lists those there are."""

    status = 404
    type = "not-found"
    title = "There is nothing at this path"


class MethodNotAllowed(MathopsError):
    """The resource exists and does not know this method. The Allow header lists those it knows."""

    status = 405
    type = "method-not-allowed"
    title = "The method is not allowed here"


class NotAcceptable(MathopsError):
    """The Accept header admits no form that this resource has."""

    status = 406
    type = "not-acceptable"
    title = "No acceptable form"


class RequestTimeout(MathopsError):
    """The body did not arrive in time."""

    status = 408
    type = "request-timeout"
    title = "The body came too slowly"


class ContentTooLarge(MathopsError):
    """The body is larger than the service reads."""

    status = 413
    type = "content-too-large"
    title = "The body is too large"


class UriTooLong(MathopsError):
    """The target is longer than the service reads. Long numbers go into a POST body."""

    status = 414
    type = "uri-too-long"
    title = "The target is too long"


class UnsupportedMediaType(MathopsError):
    """The body has a media type that this resource does not read."""

    status = 415
    type = "unsupported-media-type"
    title = "The body is not JSON"


class InvalidParameter(MathopsError):
    """One or more parameters are missing, unknown, given twice or out of range. `errors` lists every fault."""

    status = 422
    type = "invalid-parameter"
    title = "A parameter is not valid"

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(f"{name}: {fault}" for name, fault in faults),
            errors=[{"parameter": name, "detail": fault} for name, fault in faults],
        )


class ResultTooLarge(MathopsError):
    """The result would have more digits than the service gives in this form.

    `predicted_digits` is the size foreseen before any work, `limit_digits` the limit.
    """

    status = 422
    type = "result-too-large"
    title = "The result is too large"


class QuotaExceeded(MathopsError):
    """The caller has used up a quota. Retry-After says when to come back."""

    status = 429
    type = "quota-exceeded"
    title = "A quota is used up"


class HeaderFieldsTooLarge(MathopsError):
    """The header fields are larger than the service reads."""

    status = 431
    type = "header-fields-too-large"
    title = "The header fields are too large"


class Overloaded(MathopsError):
    """The service has all the connections or computations it takes, or a computing process was lost twice.

    Retry-After says when to come back.
    """

    status = 503
    type = "overloaded"
    title = "The service is busy"


class JournalUnavailable(MathopsError):
    """The request could not be stored, so its result is withheld; or what is stored cannot be read. Send it again."""

    status = 503
    type = "journal-unavailable"
    title = "The journal is out of reach"


class RevocationUnavailable(MathopsError):
    """Whether a token has been revoked cannot be told, or not be made known, just now. It may be sent again."""

    status = 503
    type = "revocation-unavailable"
    title = "Revocation cannot be told"


class DeadlineExceeded(MathopsError):
    """The computation, its wait in the queue included, took longer than the deadline and was stopped."""

    status = 504
    type = "deadline-exceeded"
    title = "The deadline has passed"


class StartupError(Exception):
    """The service cannot start; the message is one line that says what to do."""


def problem_types() -> dict[str, type[MathopsError]]:
    """Every error a caller may meet, by problem type."""
    return {error.type: error for error in MathopsError.__subclasses__()}
