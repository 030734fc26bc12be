"""What each store holds, compared with what it must hold."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256

from mathops.models import Record
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
