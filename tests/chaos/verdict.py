"""Collects findings from the outcomes of clients, the faults and the stores."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from mathops.models import Record
from tests.chaos.faults import LOST_CONNECTION, Fault
from tests.chaos.load import Outcome
from tests.chaos.responses import UNAVAILABLE
from tests.chaos.schedule import Injection
from tests.chaos.store_checks import StoreCheck, check_journal, check_log, check_topic
from tests.chaos.stores import Published


class Verdict(NamedTuple):
    """`findings` is empty after a successful run."""

    outcomes: Sequence[Outcome]
    injections: Sequence[Injection]
    stores: Sequence[StoreCheck]
    findings: Sequence[str]


def judge(
    outcomes: Sequence[Outcome],
    injections: Sequence[Injection],
    *,
    faults: Collection[Fault],
    rows: Sequence[Record],
    lines: Iterable[Record],
    events: Iterable[Published],
    others: Sequence[str] = (),
) -> Verdict:
    """Compare all evidence; `others` are additional findings."""
    acknowledged = {outcome.request_id for outcome in outcomes if outcome.acknowledged}
    journal = check_journal(outcomes, rows)
    log = check_log([row for row in rows if row.request_id in acknowledged], rows, lines)
    topic = check_topic(rows, events)
    findings = [
        *others,
        *client_findings(outcomes, injections),
        *fault_findings(injections, faults),
        *journal.findings(unique=True),
        *log.findings(unique=False),
        *topic.findings(unique=False),
    ]
    return Verdict(outcomes, injections, (journal, log, topic), findings)


def client_findings(outcomes: Sequence[Outcome], injections: Sequence[Injection]) -> list[str]:
    """Wrong responses, and failures that no fault explains."""
    findings = []
    for outcome in outcomes:
        request = outcome.request
        if outcome.error:
            findings.append(f"response: {outcome.request_id} {request.method} {request.target}: {outcome.error}")
        elif failed(outcome) and cause(outcome, injections) is None:
            failure = f"503 {outcome.problem}" if outcome.status else "lost connection"
            active = ", ".join(i.fault.name for i in injections if i.active(outcome.began, outcome.ended)) or "none"
            findings.append(
                f"response: {outcome.request_id} {request.target}: {failure} that no active fault explains ({active})"
            )
    return findings


def failed(outcome: Outcome) -> bool:
    """Whether the request ended with 503 or a lost connection."""
    return outcome.status in (UNAVAILABLE, LOST_CONNECTION)


def cause(outcome: Outcome, injections: Sequence[Injection]) -> str | None:
    """The first fault that explains the failure, or None."""
    causes = (i for i in injections if i.explains(outcome.status, outcome.began, outcome.ended))
    return next((injection.fault.name for injection in causes), None)


def fault_findings(injections: Sequence[Injection], faults: Collection[Fault]) -> list[str]:
    """Faults that were not injected, or from which the service did not recover."""
    injected = {injection.fault.name for injection in injections}
    missing = [fault.name for fault in faults if fault.name not in injected]
    return [
        *(f"fault: {name}: never injected" for name in missing),
        *(f"fault: {injection.fault.name}: {injection.error}" for injection in injections if injection.error),
        *(
            f"fault: {injection.fault.name}: the service did not recover"
            for injection in injections
            if injection.recovered is None and not injection.error
        ),
    ]
