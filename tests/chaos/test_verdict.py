"""The verdict finds what must not be."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest

from mathops.models import Record
from tests.chaos.answers import Answer, fault
from tests.chaos.asks import JSON, LARGE, REPEATED, Ask, Sum, conditional, power
from tests.chaos.lanes import LANES, Episode
from tests.chaos.load import Outcome
from tests.chaos.stores import Published
from tests.chaos.verdict import Verdict, judge
from tests.support.records import make_record

SUMS = [*REPEATED, LARGE[0]]


def seen(number: int, ask: Ask, **changed: object) -> Outcome:
    usual = Outcome(ask, f"request-{number}", f"user{number % 2}", number, number + 0.5, ask.status, ask.problem)
    return usual._replace(**changed)


def stored(number: int, asked: Sum) -> Record:
    text = asked.result
    short = len(text) <= 1000
    return make_record(
        request_id=f"request-{number}",
        user=f"user{number % 2}",
        operation=asked.operation,
        result=text if short else None,
        result_digits=len(text.lstrip("-")),
        result_sha256=None if short else sha256(text.encode()).hexdigest(),
    )


def published(row: Record) -> Published:
    return Published(row.user.encode() if row.user else None, row)


class Evidence:
    """All faults made and overcome, all requests answered and in all stores."""

    def __init__(self) -> None:
        self.outcomes = [seen(number, asked.ask("repeated")) for number, asked in enumerate(SUMS)]
        self.episodes = [Episode(fault, 1000, 1001, 1002) for faults in LANES.values() for fault in faults]
        self.rows = [stored(number, asked) for number, asked in enumerate(SUMS)]
        self.lines = list(self.rows)
        self.events = [published(row) for row in self.rows]

    def change(self, place: int, **changed: object) -> Record:
        fields = {name: getattr(self.rows[place], name) for name in Record.__struct_fields__}
        return Record(**{**fields, **changed})

    def verdict(self) -> Verdict:
        return judge(self.outcomes, self.episodes, rows=self.rows, lines=self.lines, events=self.events)

    def findings(self) -> str:
        return "\n".join(self.verdict().findings)


@pytest.fixture
def evidence() -> Evidence:
    return Evidence()


def test_where_all_is_well_it_finds_nothing(evidence: Evidence) -> None:
    assert evidence.findings() == ""
    assert [store.rows for store in evidence.verdict().stores] == [len(SUMS)] * 3


def test_what_is_there_twice_with_the_same_id_is_allowed_in_log_and_topic(evidence: Evidence) -> None:
    evidence.lines.append(evidence.lines[0])
    evidence.events += evidence.events[2:5]

    assert evidence.findings() == ""
    assert [len(store.doubled) for store in evidence.verdict().stores] == [0, 1, 3]


def test_a_request_that_was_not_acknowledged_may_be_stored_or_not(evidence: Evidence) -> None:
    withheld = Ask("small", "/pow?base=2&exp=5", operation="pow")
    evidence.outcomes += [
        seen(100, withheld, status=503, problem="journal-unavailable", began=1000, ended=1001),
        seen(101, withheld, status=None, began=1000, ended=1001),
    ]
    evidence.rows.append(make_record(request_id="request-100", user="user0"))
    evidence.events.append(published(evidence.rows[-1]))

    assert evidence.findings() == ""


def lose_row(evidence: Evidence) -> None:
    evidence.rows.pop(3)


def double_row(evidence: Evidence) -> None:
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


def store_what_nobody_asked(evidence: Evidence) -> None:
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
    evidence.events[3] = evidence.events[3]._replace(key=b"somebody")


def reorder_events(evidence: Evidence) -> None:
    evidence.events[1], evidence.events[3] = evidence.events[3], evidence.events[1]


def answer_wrongly(evidence: Evidence) -> None:
    evidence.outcomes[3] = evidence.outcomes[3]._replace(wrong="a wrong result")


def refuse_without_a_cause(evidence: Evidence) -> None:
    evidence.outcomes.append(seen(100, Ask("small", "/"), status=503, problem="journal-unavailable"))


def lose_a_connection_without_a_cause(evidence: Evidence) -> None:
    evidence.outcomes.append(seen(100, Ask("small", "/"), status=None))


def leave_a_fault_out(evidence: Evidence) -> None:
    evidence.episodes.pop()


def not_recover(evidence: Evidence) -> None:
    evidence.episodes[0] = evidence.episodes[0]._replace(recovered=None)


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (lose_row, "journal: lost: request-3"),
        (double_row, "journal: doubled: request-3"),
        (store_another_result, "journal: wrong: request-3: result '1'"),
        (store_another_large_result, f"journal: wrong: request-{len(SUMS) - 1}: result_sha256"),
        (store_another_status, "journal: wrong: request-3: status 422, not 200"),
        (store_what_nobody_asked, "journal: wrong: stranger: a row that no request explains"),
        (lose_line, "log files: lost: request-7"),
        (change_line, "log files: wrong: request-3"),
        (lose_event, "topic: lost: request-3"),
        (change_event, "topic: wrong: request-3: not what the journal has"),
        (change_key, "topic: wrong: request-3: its key is b'somebody'"),
        (reorder_events, "topic: wrong: user1: not in the journal's order"),
        (answer_wrongly, "answer: request-3 GET /fib?n=90: a wrong result"),
        (refuse_without_a_cause, "answer: request-100 /: 503 journal-unavailable without a fault to cause it"),
        (lose_a_connection_without_a_cause, "answer: request-100 /: a lost connection without a fault to cause it"),
        (leave_a_fault_out, "never made"),
        (not_recover, "did not recover"),
    ],
)
def test_it_finds(evidence: Evidence, spoil: Callable[[Evidence], None], finding: str) -> None:
    spoil(evidence)

    assert finding in evidence.findings()


ASK = power(2, 5).ask("small")
FIELDS = {"x-request-id": "mine", "content-type": JSON, "content-length": str(len(ASK.content or b""))}
GOOD = Answer(200, FIELDS, ASK.content or b"")


def problem(status: int, slug: str, request_id: str = "mine", **fields: str) -> Answer:
    body = json.dumps({"type": f"/problems/{slug}", "status": status, "request_id": request_id}).encode()
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Answer(status, {"x-request-id": "mine", "content-type": "application/problem+json", **named}, body)


def test_right_answers_have_no_fault() -> None:
    refused = Ask("refused", "/fib", 422, problem="invalid-parameter")

    assert fault(ASK, "mine", GOOD) is None
    assert fault(ASK._replace(method="HEAD"), "mine", GOOD._replace(body=b"")) is None
    assert fault(conditional(ASK, '"tag"'), "mine", Answer(304, {"x-request-id": "mine"}, b"")) is None
    assert fault(refused, "mine", problem(422, "invalid-parameter")) is None
    assert fault(ASK, "mine", problem(503, "journal-unavailable", retry_after="1")) is None


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (GOOD._replace(body=GOOD.body.replace(b"32", b"33")), "a wrong result"),
        (GOOD._replace(body=GOOD.body[:-1]), "a wrong result"),
        (GOOD._replace(fields={**FIELDS, "x-request-id": "another's"}), "of another request"),
        (GOOD._replace(fields={**FIELDS, "content-length": "1"}), "content-length"),
        (problem(500, "internal-error"), "status 500 where 200 was due"),
        (problem(429, "quota-exceeded", retry_after="1"), "status 429"),
        (problem(504, "deadline-exceeded"), "status 504"),
        (problem(503, "journal-unavailable"), "503 without Retry-After"),
        (problem(503, "internal-error", retry_after="1"), "problem internal-error"),
        (problem(503, "overloaded", "another", retry_after="1"), "tells of another answer"),
        (problem(503, "overloaded", retry_after="1", content_type="text/html"), "with a body of text/html"),
    ],
)
def test_it_is_told_of_an_answer_that(answer: Answer, finding: str) -> None:
    assert finding in str(fault(ASK, "mine", answer))


def test_a_refusal_of_another_kind_or_form_is_a_fault() -> None:
    refused = Ask("refused", "/fib", 401, problem="unauthorized")

    assert "problem insufficient-scope" in str(
        fault(refused, "mine", problem(401, "insufficient-scope", www_authenticate="Bearer"))
    )
    assert "without WWW-Authenticate" in str(fault(refused, "mine", problem(401, "unauthorized")))
