"""What is wrong with an answer, looked at alone."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from tests.chaos.asks import Ask

# While something is amiss a request may be refused so, and sent again.
UNAVAILABLE = 503
WITHHELD, OVERLOADED = "journal-unavailable", "overloaded"


class Answer(NamedTuple):
    """Status, header fields by lower-case name, and body."""

    status: int
    fields: Mapping[str, str]
    body: bytes


def fault(ask: Ask, request_id: str, answer: Answer) -> str | None:
    """Say what is wrong, or None."""
    if answer.fields.get("x-request-id") != request_id:
        return f"it is of another request: {answer.fields.get('x-request-id')}"
    if answer.status == UNAVAILABLE:
        if "retry-after" not in answer.fields:
            return "503 without Retry-After"
        return _problem_fault(ask, request_id, answer, (WITHHELD, OVERLOADED))
    if answer.status != ask.status:
        return f"status {answer.status} where {ask.status} was due: {answer.body[:300]!r}"
    if ask.problem is not None:
        return _problem_fault(ask, request_id, answer, (ask.problem,))
    return _content_fault(ask, answer)


def problem(answer: Answer) -> str | None:
    """The problem type of an answer, or None where it has none."""
    if not _is_problem(answer):
        return None
    try:
        return str(json.loads(answer.body)["type"]).rpartition("/")[2]
    except (ValueError, TypeError, KeyError):
        return None


def _is_problem(answer: Answer) -> bool:
    return answer.fields.get("content-type") == "application/problem+json"


def _problem_fault(ask: Ask, request_id: str, answer: Answer, types: tuple[str, ...]) -> str | None:
    if not _is_problem(answer):
        return f"status {answer.status} with a body of {answer.fields.get('content-type')}"
    if answer.status == 401 and "www-authenticate" not in answer.fields:
        return "401 without WWW-Authenticate"
    if ask.method == "HEAD":
        return None
    if problem(answer) not in types:
        return f"problem {problem(answer)} where {' or '.join(types)} was due"
    document = json.loads(answer.body)
    if (document["status"], document["request_id"]) != (answer.status, request_id):
        return f"the problem tells of another answer: {document}"
    return None


def _content_fault(ask: Ask, answer: Answer) -> str | None:
    if ask.content is None:
        return None
    if ask.status == 200 and answer.fields.get("content-length") != str(len(ask.content)):
        return f"content-length {answer.fields.get('content-length')} where {len(ask.content)} was due"
    if ask.method != "HEAD" and answer.body != ask.content:
        return f"a wrong result: {answer.body[:300]!r} where {ask.content[:300]!r} was due"
    return None
