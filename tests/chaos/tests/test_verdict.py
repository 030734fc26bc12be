"""The verdict detects every kind of violation."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from mathops.models import Record
from tests.chaos.load import Outcome
from tests.chaos.request_mix import JSON, LARGE, REPEATED, Calculation, Request, conditional, power
from tests.chaos.responses import Response, find_error
from tests.chaos.schedule import Injection, faults_by_target
from tests.chaos.stores import Published
from tests.chaos.verdict import Verdict, judge
from tests.support.records import make_record

CALCULATIONS = [*REPEATED, LARGE[0]]


def outcome(number: int, request: Request, **changes: Any) -> Outcome:
    usual = Outcome(
        request, f"request-{number}", f"user{number % 2}", number, number + 0.5, request.status, request.problem
    )
    return usual._replace(**changes)


def stored(number: int, calculation: Calculation) -> Record:
    text = calculation.result
    short = len(text) <= 1000
    return make_record(
        request_id=f"request-{number}",
        user=f"user{number % 2}",
        operation=calculation.operation,
        result=text if short else None,
        result_digits=len(text.lstrip("-")),
        result_sha256=None if short else sha256(text.encode()).hexdigest(),
    )


def published(row: Record) -> Published:
    return Published(row.user.encode() if row.user else None, row)


class Evidence:
    """A run without findings: every fault recovered, every request answered and in all stores."""

    def __init__(self) -> None:
        self.outcomes = [
            outcome(number, calculation.request("repeated")) for number, calculation in enumerate(CALCULATIONS)
        ]
        self.faults = [fault for faults in faults_by_target(postgresql=True).values() for fault in faults]
        self.injections = [Injection(fault, 1000, 1001, 1002) for fault in self.faults]
        self.rows = [stored(number, calculation) for number, calculation in enumerate(CALCULATIONS)]
        self.lines = list(self.rows)
        self.events = [published(row) for row in self.rows]

    def change(self, index: int, **changes: Any) -> Record:
        fields = {name: getattr(self.rows[index], name) for name in Record.__struct_fields__}
        return Record(**{**fields, **changes})

    def verdict(self) -> Verdict:
        return judge(
            self.outcomes,
            self.injections,
            faults=self.faults,
            rows=self.rows,
            lines=self.lines,
            events=self.events,
        )

    def findings(self) -> str:
        return "\n".join(self.verdict().findings)


@pytest.fixture
def evidence() -> Evidence:
    return Evidence()


def test_a_successful_run_has_no_findings(evidence: Evidence) -> None:
    assert evidence.findings() == ""
    assert [store.records for store in evidence.verdict().stores] == [len(CALCULATIONS)] * 3


def test_duplicates_with_the_same_id_are_allowed_in_log_and_topic(evidence: Evidence) -> None:
    evidence.lines.append(evidence.lines[0])
    evidence.events += evidence.events[2:5]

    assert evidence.findings() == ""
    assert [len(store.duplicated) for store in evidence.verdict().stores] == [0, 1, 3]


def test_a_request_without_acknowledgement_may_be_stored_or_not(evidence: Evidence) -> None:
    request = Request("small", "/pow?base=2&exp=5", operation="pow")
    evidence.outcomes += [
        outcome(100, request, status=503, problem="journal-unavailable", began=1000, ended=1001),
        outcome(101, request, status=None, began=1000, ended=1001),
    ]
    evidence.rows.append(make_record(request_id="request-100", user="user0"))
    evidence.events.append(published(evidence.rows[-1]))

    assert evidence.findings() == ""


def lose_row(evidence: Evidence) -> None:
    evidence.rows.pop(3)


def duplicate_row(evidence: Evidence) -> None:
    evidence.rows.append(evidence.change(3, id="another"))
    evidence.events.append(published(evidence.rows[-1]))


def store_another_result(evidence: Evidence) -> None:
    evidence.rows[3] = evidence.lines[3] = evidence.change(3, result="1")
    evidence.events[3] = published(evidence.rows[3])


def store_another_large_result(evidence: Evidence) -> None:
    evidence.rows[-1] = evidence.lines[-1] = evidence.change(-1, result_sha256="0" * 64)
    evidence.events[-1] = published(evidence.rows[-1])


def store_another_status(evidence: Evidence) -> None:
    evidence.rows[3] = evidence.lines[3] = evidence.change(3, status=422)
    evidence.events[3] = published(evidence.rows[3])


def store_row_without_request(evidence: Evidence) -> None:
    evidence.rows.append(make_record(request_id="stranger"))
    evidence.events.append(published(evidence.rows[-1]))


def lose_line(evidence: Evidence) -> None:
    evidence.lines.pop()


def change_line(evidence: Evidence) -> None:
    evidence.lines[3] = evidence.change(3, result="1")


def lose_event(evidence: Evidence) -> None:
    evidence.events.pop(3)


def change_event(evidence: Evidence) -> None:
    evidence.events[3] = published(evidence.change(3, duration_ms=9.0))


def change_key(evidence: Evidence) -> None:
    evidence.events[3] = evidence.events[3]._replace(key=b"another-user")


def reorder_events(evidence: Evidence) -> None:
    evidence.events[1], evidence.events[3] = evidence.events[3], evidence.events[1]


def return_a_wrong_result(evidence: Evidence) -> None:
    evidence.outcomes[3] = evidence.outcomes[3]._replace(error="wrong result")


def fail_without_a_fault(evidence: Evidence) -> None:
    evidence.outcomes.append(outcome(100, Request("small", "/"), status=503, problem="journal-unavailable"))


def lose_a_connection_without_a_fault(evidence: Evidence) -> None:
    evidence.outcomes.append(outcome(100, Request("small", "/"), status=None))


def omit_a_fault(evidence: Evidence) -> None:
    evidence.injections.pop()


def fail_to_recover(evidence: Evidence) -> None:
    evidence.injections[0] = evidence.injections[0]._replace(recovered=None)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lose_row, "journal: lost: request-3"),
        (duplicate_row, "journal: duplicated: request-3"),
        (store_another_result, "journal: wrong: request-3: result '1'"),
        (store_another_large_result, f"journal: wrong: request-{len(CALCULATIONS) - 1}: result_sha256"),
        (store_another_status, "journal: wrong: request-3: status 422, not 200"),
        (store_row_without_request, "journal: wrong: stranger: row without a request"),
        (lose_line, "log files: lost: request-7"),
        (change_line, "log files: wrong: request-3"),
        (lose_event, "topic: lost: request-3"),
        (change_event, "topic: wrong: request-3: differs from the journal"),
        (change_key, "topic: wrong: request-3: its key is b'another-user'"),
        (reorder_events, "topic: wrong: user1: not in the journal's order"),
        (return_a_wrong_result, "response: request-3 GET /fib?n=90: wrong result"),
        (fail_without_a_fault, "response: request-100 /: 503 journal-unavailable that no active fault explains"),
        (lose_a_connection_without_a_fault, "response: request-100 /: lost connection that no active fault explains"),
        (omit_a_fault, "never injected"),
        (fail_to_recover, "did not recover"),
    ],
)
def test_a_violation_is_found(evidence: Evidence, spoil: Callable[[Evidence], None], finding: str) -> None:
    spoil(evidence)

    assert finding in evidence.findings()


REQUEST = power(2, 5).request("small")
HEADERS = {"x-request-id": "own", "content-type": JSON, "content-length": str(len(REQUEST.content or b""))}
GOOD = Response(200, HEADERS, REQUEST.content or b"")


def problem(status: int, slug: str, request_id: str = "own", **headers: str) -> Response:
    body = json.dumps({"type": f"/problems/{slug}", "status": status, "request_id": request_id}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"x-request-id": "own", "content-type": "application/problem+json", **named}, body)


def test_correct_responses_have_no_error() -> None:
    rejected = Request("rejected", "/fib", 422, problem="invalid-parameter")

    assert find_error(REQUEST, "own", GOOD) is None
    assert find_error(REQUEST._replace(method="HEAD"), "own", GOOD._replace(body=b"")) is None
    assert find_error(conditional(REQUEST, '"tag"'), "own", Response(304, {"x-request-id": "own"}, b"")) is None
    assert find_error(rejected, "own", problem(422, "invalid-parameter")) is None
    assert find_error(REQUEST, "own", problem(503, "journal-unavailable", retry_after="1")) is None


@pytest.mark.parametrize(
    ("response", "finding"),
    [
        (GOOD._replace(body=GOOD.body.replace(b"32", b"33")), "wrong result"),
        (GOOD._replace(body=GOOD.body[:-1]), "wrong result"),
        (GOOD._replace(headers={**HEADERS, "x-request-id": "another"}), "to another request"),
        (GOOD._replace(headers={**HEADERS, "content-length": "1"}), "content-length"),
        (problem(500, "internal-error"), "status 500 instead of 200"),
        (problem(429, "quota-exceeded", retry_after="1"), "status 429"),
        (problem(504, "deadline-exceeded"), "status 504"),
        (problem(503, "journal-unavailable"), "503 without Retry-After"),
        (problem(503, "internal-error", retry_after="1"), "problem internal-error"),
        (problem(503, "overloaded", "another", retry_after="1"), "describes another response"),
        (problem(503, "overloaded", retry_after="1", content_type="text/html"), "with content type text/html"),
    ],
)
def test_a_wrong_response_has_an_error(response: Response, finding: str) -> None:
    assert finding in str(find_error(REQUEST, "own", response))


def test_a_rejection_with_another_problem_or_without_a_challenge_is_an_error() -> None:
    rejected = Request("rejected", "/fib", 401, problem="unauthorized")

    assert "problem insufficient-scope" in str(
        find_error(rejected, "own", problem(401, "insufficient-scope", www_authenticate="Bearer"))
    )
    assert "without WWW-Authenticate" in str(find_error(rejected, "own", problem(401, "unauthorized")))
