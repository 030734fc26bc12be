"""Compares what clients saw with what the stores hold."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from mathops.record import Record
from tests.chaos.answers import UNAVAILABLE
from tests.chaos.faults import LOST_CONNECTION
from tests.chaos.lanes import LANES, Episode
from tests.chaos.load import Outcome
from tests.chaos.stores import Published


class Store:
    """What was found in one of the stores; each list names the requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.wrong: list[str] = []

    def findings(self, *, once: bool) -> list[str]:
        """What must not be; with `once` nothing may be there twice."""
        kinds = {"lost": self.lost, "wrong": self.wrong, **({"doubled": self.doubled} if once else {})}
        return [f"{self.name}: {kind}: {what}" for kind, found in kinds.items() for what in found]


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


def in_journal(outcomes: Sequence[Outcome], rows: Sequence[Record]) -> Store:
    """Every acknowledged request once, as the client saw it, and none that nobody sent."""
    store = Store("journal")
    store.rows = len(rows)
    by_request: dict[str, Record] = {}
    for row in rows:
        if row.request_id in by_request:
            store.doubled.append(row.request_id)
        by_request[row.request_id] = row
    kept = {outcome.request_id: outcome for outcome in outcomes if outcome.ask.operation is not None}
    store.wrong += [f"{name}: a row that no request explains" for name in by_request if name not in kept]
    for name, outcome in kept.items():
        if not outcome.acknowledged:
            continue
        if name not in by_request:
            store.lost.append(name)
        elif differing := _differing(outcome, by_request[name]):
            store.wrong.append(f"{name}: {differing}")
    return store


def _differing(outcome: Outcome, row: Record) -> str | None:
    """The members in which a row is not what the client saw."""
    text = outcome.ask.result if outcome.status == 200 else None
    shown = row.result_sha256 is None
    due = {
        "user": None if outcome.status == 401 else outcome.user,
        "operation": outcome.ask.operation,
        "status": outcome.status,
        "problem": outcome.problem,
        "result": text if shown else None,
        "result_digits": len(text.lstrip("-")) if text else None,
        "result_sha256": sha256(text.encode()).hexdigest() if text and not shown else None,
    }
    differing = [
        f"{name} {getattr(row, name)!r}, not {value!r}" for name, value in due.items() if getattr(row, name) != value
    ]
    return "; ".join(differing) or None


def in_log(wanted: Sequence[Record], rows: Sequence[Record], lines: Iterable[Record]) -> Store:
    """A line for each of the `wanted` rows; lines of requests that were not acknowledged may be there too."""
    store = Store("log files")
    by_id = {row.id: row for row in rows}
    seen: set[str] = set()
    for line in lines:
        store.rows += 1
        if by_id.get(line.id, line) != line:
            store.wrong.append(f"{line.request_id}: not what the journal has")
        if line.id in seen:
            store.doubled.append(line.request_id)
        seen.add(line.id)
    store.lost += [row.request_id for row in wanted if row.id not in seen]
    return store


def in_topic(rows: Sequence[Record], events: Iterable[Published]) -> Store:
    """Every row, again only with the same id, and each user's for the first time in the journal's order."""
    store = Store("topic")
    by_id = {row.id: row for row in rows}
    seen: set[str] = set()
    order: dict[str, list[str]] = defaultdict(list)
    for key, record in events:
        store.rows += 1
        user = record.user
        if by_id.get(record.id) != record:
            store.wrong.append(f"{record.request_id}: not what the journal has")
        if key != (user.encode() if user else None):
            store.wrong.append(f"{record.request_id}: its key is {key!r}, its user {user!r}")
        if record.id in seen:
            store.doubled.append(record.request_id)
        elif user:
            order[user].append(record.id)
        seen.add(record.id)
    store.lost += [row.request_id for row in rows if row.id not in seen]
    due: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.user and row.id in seen:
            due[row.user].append(row.id)
    store.wrong += [f"{user}: not in the journal's order" for user in due if due[user] != order[user]]
    return store
