"""Every error that a caller may receive; each owns its HTTP status and problem type (RFC 9457)."""

from collections.abc import Sequence
from typing import Any, ClassVar

BEARER_CHALLENGE = 'Bearer realm="mathops"'


class MathopsError(Exception):
    """Base of all: `detail` says how to fix the request, `extensions` are further members of the problem document.

    The docstring of a subclass has two sentences: the cause and the fix.

    `retry_after` are seconds until a retry may succeed, `challenge` is a WWW-Authenticate header (RFC 6750).
    """

    status: ClassVar[int]
    type: ClassVar[str]
    title: ClassVar[str]
    # Detail and further members of the document on the page of the type.
    example: ClassVar[str]
    example_members: ClassVar[dict[str, Any]] = {}
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
    """An unexpected error occurred and was logged under the request id. Send the request again."""

    example = "an unexpected error occurred and was logged under this request id"


class MalformedRequest(MathopsError, status=400, type="malformed-request", title="Malformed request"):
    """The request cannot be parsed. Send valid HTTP, UTF-8, and one JSON object that names each member once."""

    example = 'send one JSON object, such as {"n": "10"}'


class SignInRejected(MathopsError, status=400, type="sign-in-rejected", title="Sign-in rejected"):
    """The issuer did not sign the user in, or its response is invalid. Sign in again from the console."""

    example = "this browser did not start the sign-in, or more than 10 minutes ago; start again"


class Unauthorized(MathopsError, status=401, type="unauthorized", title="Valid bearer token required"):
    """The request has no valid bearer token. Get one with POST /login and send it as `Authorization: Bearer TOKEN`."""

    example = "send Authorization: Bearer <token>; get a token with POST /login"


class Forbidden(MathopsError, status=403, type="insufficient-scope", title="Insufficient scope"):
    """The token is valid but lacks the scope that this resource requires. Log in as a user with this scope."""

    example = "the token lacks the scope history"


class NotFound(MathopsError, status=404, type="not-found", title="Not found"):
    """No resource has this path. Use one of the paths in /openapi.json."""

    example = "no resource has this path; /openapi.json lists all paths"


class MethodNotAllowed(MathopsError, status=405, type="method-not-allowed", title="Method not allowed"):
    """The resource does not support this method. Use one that the header `Allow` lists."""

    example = "use GET, HEAD"


class NotAcceptable(MathopsError, status=406, type="not-acceptable", title="Not acceptable"):
    """The header `Accept` permits no media type of this resource. Accept `application/json` or `text/plain`."""

    example = "accept application/json or text/plain"


class RequestTimeout(MathopsError, status=408, type="request-timeout", title="Request timeout"):
    """The body did not arrive in time. Send it without pauses."""

    example = "the body did not arrive within 10 s"


class PreconditionFailed(MathopsError, status=412, type="precondition-failed", title="Precondition failed"):
    """`If-Match` lists no entity tag of the result. Send the request without it, or with the tag in `ETag`."""

    example = "If-Match lists no tag of the result; send the request without it"


class ContentTooLarge(MathopsError, status=413, type="content-too-large", title="Content too large"):
    """The body exceeds the size limit. Send smaller numbers, and nothing but the parameters."""

    example = "send at most 65536 bytes"


class UriTooLong(MathopsError, status=414, type="uri-too-long", title="URI too long"):
    """The request target exceeds the length limit. Send long numbers in a POST body."""

    example = "send at most 8192 bytes, and long numbers in a POST body"


class UnsupportedMediaType(MathopsError, status=415, type="unsupported-media-type", title="Unsupported media type"):
    """The resource does not accept the media type of the body. Send JSON as `Content-Type: application/json`."""

    example = "send the body as Content-Type: application/json"


class RangeNotSatisfiable(MathopsError, status=416, type="range-not-satisfiable", title="Range not satisfiable"):
    """`Range` selects no byte of the result. Request bytes below the length in `Content-Range`."""

    example = "the result has 2 bytes; request a part of bytes 0 to 1"


class InvalidParameter(MathopsError, status=422, type="invalid-parameter", title="Invalid parameter"):
    """Parameters are missing, unknown, repeated or out of range. Correct every one that `errors` lists."""

    example = "n: send an integer of at least 0"
    example_members: ClassVar = {"errors": [{"parameter": "n", "detail": "send an integer of at least 0"}]}

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(f"{name[:64]}: {detail}" for name, detail in errors),
            errors=[{"parameter": name[:64], "detail": detail} for name, detail in errors],
        )


class ResultTooLarge(MathopsError, status=422, type="result-too-large", title="Result too large"):
    """The result has more digits than the requested media type permits. Send smaller numbers, or accept `text/plain`.

    `predicted_digits` is the size predicted before computing, `limit_digits` the limit.
    """

    example = "the result has about 7000000 digits and the limit is 6000000; ask for a smaller one"
    example_members: ClassVar = {"predicted_digits": 7000000, "limit_digits": 6000000}


class QuotaExceeded(MathopsError, status=429, type="quota-exceeded", title="Quota exceeded"):
    """The caller has used up a quota. Retry after the seconds in `Retry-After`."""

    example = "the quota of 60 requests in 60 s is used up; try again in 12 s"
    example_members: ClassVar = {"violated-policies": ["requests"]}


class HeaderFieldsTooLarge(MathopsError, status=431, type="header-fields-too-large", title="Header fields too large"):
    """The header fields exceed the size limit. Send fewer or shorter ones."""

    example = "send at most 32768 bytes of header fields"


class Overloaded(MathopsError, status=503, type="overloaded", title="Service overloaded"):
    """Too many connections or computations, or a computing process died twice. Retry after `Retry-After` seconds."""

    example = "the limit of 900 connections is reached; retry later"


class IssuerUnavailable(MathopsError, status=503, type="issuer-unavailable", title="Issuer unavailable"):
    """The issuer of the token or for the sign-in cannot be reached, or its response is invalid. Retry the request."""

    example = "the keys of the token's issuer cannot be fetched now; send the request again"


class JournalUnavailable(MathopsError, status=503, type="journal-unavailable", title="Journal unavailable"):
    """The journal, which holds requests and revoked tokens, cannot be written or read. Retry the request."""

    example = "the request could not be stored (timeout); send it again"


class ServiceStopping(MathopsError, status=503, type="service-stopping", title="Service stopping"):
    """The service stops, and the request was not finished in time. Send it again."""

    example = "the request was not finished before the service stopped; send it again"


class DeadlineExceeded(MathopsError, status=504, type="deadline-exceeded", title="Deadline exceeded"):
    """The computation, including its wait in the queue, exceeds the deadline. Send smaller numbers, or retry later."""

    example = "the computation did not finish within 2 s"
    example_members: ClassVar = {"deadline_seconds": 2.0}


class StartupError(Exception):
    """The service cannot start; the message is one line that says how to fix it."""


def problem_types() -> dict[str, type[MathopsError]]:
    return {error.type: error for error in MathopsError.__subclasses__()}
