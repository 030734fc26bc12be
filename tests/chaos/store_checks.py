"""Compares the records in each store with what clients saw."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256

from mathops.models import Record
from tests.chaos.load import Outcome
from tests.chaos.stores import Published


class StoreCheck:
    """Result for one store; each list names requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records = 0
        self.lost: list[str] = []
        self.duplicated: list[str] = []
        self.wrong: list[str] = []

    def findings(self, *, unique: bool) -> list[str]:
        """Violations; duplicates count only with `unique`."""
        kinds = {"lost": self.lost, "wrong": self.wrong, **({"duplicated": self.duplicated} if unique else {})}
        return [f"{self.name}: {kind}: {entry}" for kind, entries in kinds.items() for entry in entries]


def check_journal(outcomes: Sequence[Outcome], rows: Sequence[Record]) -> StoreCheck:
    """Every acknowledged request once, as its client saw it, and no row without a request."""
    check = StoreCheck("journal")
    check.records = len(rows)
    by_request: dict[str, Record] = {}
    for row in rows:
        if row.request_id in by_request:
            check.duplicated.append(row.request_id)
        by_request[row.request_id] = row
    expected = {outcome.request_id: outcome for outcome in outcomes if outcome.request.operation is not None}
    check.wrong += [f"{name}: row without a request" for name in by_request if name not in expected]
    for name, outcome in expected.items():
        if not outcome.acknowledged:
            continue
        if name not in by_request:
            check.lost.append(name)
        elif differences := _differences(outcome, by_request[name]):
            check.wrong.append(f"{name}: {differences}")
    return check


def _differences(outcome: Outcome, row: Record) -> str | None:
    """Members of the row that differ from what the client saw."""
    text = outcome.request.result if outcome.status == 200 else None
    in_full = row.result_sha256 is None
    expected = {
        "user": None if outcome.status == 401 else outcome.user,
        "operation": outcome.request.operation,
        "status": outcome.status,
        "problem": outcome.problem,
        "result": text if in_full else None,
        "result_digits": len(text.lstrip("-")) if text else None,
        "result_sha256": sha256(text.encode()).hexdigest() if text and not in_full else None,
    }
    differing = [
        f"{name} {getattr(row, name)!r}, not {value!r}"
        for name, value in expected.items()
        if getattr(row, name) != value
    ]
    return "; ".join(differing) or None


def check_log(acknowledged: Sequence[Record], rows: Sequence[Record], lines: Iterable[Record]) -> StoreCheck:
    """A line for each acknowledged row; lines of other requests are allowed."""
    check = StoreCheck("log files")
    by_id = {row.id: row for row in rows}
    seen: set[str] = set()
    for line in lines:
        check.records += 1
        if by_id.get(line.id, line) != line:
            check.wrong.append(f"{line.request_id}: differs from the journal")
        if line.id in seen:
            check.duplicated.append(line.request_id)
        seen.add(line.id)
    check.lost += [row.request_id for row in acknowledged if row.id not in seen]
    return check


def check_topic(rows: Sequence[Record], events: Iterable[Published]) -> StoreCheck:
    """Every row; duplicates keep their id; first deliveries of each user follow the journal's order."""
    check = StoreCheck("topic")
    by_id = {row.id: row for row in rows}
    seen: set[str] = set()
    delivered: dict[str, list[str]] = defaultdict(list)
    for key, record in events:
        check.records += 1
        user = record.user
        if by_id.get(record.id) != record:
            check.wrong.append(f"{record.request_id}: differs from the journal")
        if key != (user.encode() if user else None):
            check.wrong.append(f"{record.request_id}: its key is {key!r}, its user {user!r}")
        if record.id in seen:
            check.duplicated.append(record.request_id)
        elif user:
            delivered[user].append(record.id)
        seen.add(record.id)
    check.lost += [row.request_id for row in rows if row.id not in seen]
    expected: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.user and row.id in seen:
            expected[row.user].append(row.id)
    check.wrong += [f"{user}: not in the journal's order" for user in expected if expected[user] != delivered[user]]
    return check
