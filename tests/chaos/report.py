"""Prints the verdict as Markdown tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tests.chaos.faults import LOST_CONNECTION
from tests.chaos.load import Outcome
from tests.chaos.responses import UNAVAILABLE
from tests.chaos.schedule import Injection
from tests.chaos.verdict import Verdict, cause, failed

_MAX_FINDINGS = 40


def show(verdict: Verdict, console: Console) -> None:
    for table in (_requests(verdict.outcomes), _faults(verdict.outcomes, verdict.injections), _stores(verdict)):
        console.print(table)
    for finding in verdict.findings[:_MAX_FINDINGS]:
        console.print(f"WRONG {finding}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(verdict.findings)} findings" if verdict.findings else "no findings", highlight=False)


def _table(first: str, *columns: str, rows: Iterable[Sequence[object]]) -> Table:
    table = Table(box=box.MARKDOWN, show_edge=True)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(str, row))
    return table


def _requests(outcomes: Sequence[Outcome]) -> Table:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        for name in (outcome.request.kind, "all"):
            kinds[name].update(("sent", "wrong") if outcome.error else ("sent", _ending(outcome)))
    columns = ("sent", "2xx and 304", "4xx", "503", "connection lost", "wrong")
    names = [*sorted(set(kinds) - {"all"}), "all"]
    return _table("requests", *columns, rows=([name, *(kinds[name][column] for column in columns)] for name in names))


def _ending(outcome: Outcome) -> str:
    if outcome.status is None:
        return "connection lost"
    if outcome.status < 400:
        return "2xx and 304"
    return "4xx" if outcome.status < 500 else str(outcome.status)


def _faults(outcomes: Sequence[Outcome], injections: Sequence[Injection]) -> Table:
    by_name: dict[str, list[Injection]] = defaultdict(list)
    for injection in injections:
        by_name[injection.fault.name].append(injection)
    failures = Counter((cause(outcome, injections), outcome.status) for outcome in outcomes if failed(outcome))
    return _table(
        "faults",
        "times",
        "total, s",
        "max recovery, s",
        "503",
        "connection lost",
        "not recovered",
        rows=(
            (
                name,
                len(same),
                f"{sum(injection.ended - injection.began for injection in same):.1f}",
                f"{max((i.recovered - i.ended for i in same if i.recovered is not None), default=0):.1f}",
                failures[name, UNAVAILABLE],
                failures[name, LOST_CONNECTION],
                sum(injection.recovered is None for injection in same),
            )
            for name, same in sorted(by_name.items())
        ),
    )


def _stores(verdict: Verdict) -> Table:
    rows = [(s.name, s.records, len(s.lost), len(s.duplicated), len(s.wrong)) for s in verdict.stores]
    return _table("stores", "records", "lost", "duplicated", "wrong", rows=rows)
