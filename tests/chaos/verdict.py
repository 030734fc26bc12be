"""Judges what clients saw, what became of each fault, and what the stores hold."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mathops.models import Record
from tests.chaos.answers import UNAVAILABLE
from tests.chaos.comparison import Store, in_journal, in_log, in_topic
from tests.chaos.faults import LOST_CONNECTION
from tests.chaos.lanes import LANES, Episode
from tests.chaos.load import Outcome
from tests.chaos.stores import Published


class Verdict(NamedTuple):
    """`findings` is empty when all is well."""

    outcomes: Sequence[Outcome]
    episodes: Sequence[Episode]
    stores: Sequence[Store]
    findings: Sequence[str]


def judge(
    outcomes: Sequence[Outcome],
    episodes: Sequence[Episode],
    *,
    rows: Sequence[Record],
    lines: Iterable[Record],
    events: Iterable[Published],
    others: Sequence[str] = (),
) -> Verdict:
    """Look at everything; `others` are findings from elsewhere."""
    acknowledged = {outcome.request_id for outcome in outcomes if outcome.acknowledged}
    journal = in_journal(outcomes, rows)
    log = in_log([row for row in rows if row.request_id in acknowledged], rows, lines)
    topic = in_topic(rows, events)
    findings = [
        *others,
        *seen_by_clients(outcomes, episodes),
        *of_faults(episodes),
        *journal.findings(once=True),
        *log.findings(once=False),
        *topic.findings(once=False),
    ]
    return Verdict(outcomes, episodes, (journal, log, topic), findings)


def seen_by_clients(outcomes: Sequence[Outcome], episodes: Sequence[Episode]) -> list[str]:
    """Wrong answers, and refusals and lost connections that no fault explains."""
    findings = []
    for outcome in outcomes:
        if outcome.wrong:
            findings.append(f"answer: {outcome.request_id} {outcome.ask.method} {outcome.ask.target}: {outcome.wrong}")
        elif unanswered(outcome) and cause(outcome, episodes) is None:
            ended = f"503 {outcome.problem}" if outcome.status else "a lost connection"
            findings.append(f"answer: {outcome.request_id} {outcome.ask.target}: {ended} without a fault to cause it")
    return findings


def unanswered(outcome: Outcome) -> bool:
    """Whether it ended with 503 or a lost connection."""
    return outcome.status in (UNAVAILABLE, LOST_CONNECTION)


def cause(outcome: Outcome, episodes: Sequence[Episode]) -> str | None:
    """The fault that explains such an end, the first where there are several."""
    excuses = (e for e in episodes if e.excuses(outcome.status, outcome.began, outcome.ended))
    return next((episode.fault.name for episode in excuses), None)


def of_faults(episodes: Sequence[Episode]) -> list[str]:
    """Faults that were not made, or not overcome."""
    made = {episode.fault.name for episode in episodes}
    missing = [fault.name for faults in LANES.values() for fault in faults if fault.name not in made]
    return [
        *(f"fault: {name}: never made" for name in missing),
        *(f"fault: {episode.fault.name}: {episode.wrong}" for episode in episodes if episode.wrong),
        *(
            f"fault: {episode.fault.name}: the service did not recover from it"
            for episode in episodes
            if episode.recovered is None and not episode.wrong
        ),
    ]
