"""The verdict in tables, as Markdown."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tests.chaos.answers import UNAVAILABLE
from tests.chaos.faults import LOST_CONNECTION
from tests.chaos.lanes import Episode
from tests.chaos.load import Outcome
from tests.chaos.verdict import Verdict, cause, unanswered

_MOST_FINDINGS = 40


def show(verdict: Verdict, console: Console) -> None:
    """Print all of it."""
    for table in (_requests(verdict.outcomes), _faults(verdict.outcomes, verdict.episodes), _stores(verdict)):
        console.print(table)
    for finding in verdict.findings[:_MOST_FINDINGS]:
        console.print(f"WRONG {finding}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(verdict.findings)} findings" if verdict.findings else "all is well", highlight=False)


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
        for name in (outcome.ask.kind, "all"):
            kinds[name].update(("sent", "wrong") if outcome.wrong else ("sent", _ending(outcome)))
    columns = ("sent", "2xx and 304", "4xx", "503", "connection lost", "wrong")
    names = [*sorted(set(kinds) - {"all"}), "all"]
    return _table("requests", *columns, rows=([name, *(kinds[name][column] for column in columns)] for name in names))


def _ending(outcome: Outcome) -> str:
    if outcome.status is None:
        return "connection lost"
    if outcome.status < 400:
        return "2xx and 304"
    return "4xx" if outcome.status < 500 else str(outcome.status)


def _faults(outcomes: Sequence[Outcome], episodes: Sequence[Episode]) -> Table:
    by_name: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_name[episode.fault.name].append(episode)
    endings = Counter((cause(outcome, episodes), outcome.status) for outcome in outcomes if unanswered(outcome))
    return _table(
        "faults",
        "times",
        "seconds in all",
        "longest recovery, s",
        "503",
        "connection lost",
        "failed",
        rows=(
            (
                name,
                len(made),
                f"{sum(episode.lifted - episode.began for episode in made):.1f}",
                f"{max((e.recovered - e.lifted for e in made if e.recovered is not None), default=0):.1f}",
                endings[name, UNAVAILABLE],
                endings[name, LOST_CONNECTION],
                sum(episode.recovered is None for episode in made),
            )
            for name, made in sorted(by_name.items())
        ),
    )


def _stores(verdict: Verdict) -> Table:
    rows = [(s.name, s.rows, len(s.lost), len(s.doubled), len(s.wrong)) for s in verdict.stores]
    return _table("stores", "records", "lost", "doubled", "wrong", rows=rows)
