"""Error budgets and burn rates of the objectives."""

from charts import objectives
from charts.boards.panels import RELEASE, Panel, Query, Row


def _budget(objective: objectives.Objective) -> Panel:
    bad = objectives.bad_ratio(objective, "30d", RELEASE)
    return Panel(
        f"{objective.name}: error budget left",
        "Fraction of the permitted bad requests of 30 days that is left. Below 0 the objective is missed.",
        "percentunit",
        [Query(f"1 - ({bad}) / {objective.budget:g}", "{{namespace}} {{job}}", instant=True)],
        limits=[0, 0.25],
        alerts=[f"Mathops{objective.name}BudgetBurnsSlowly"],
        single=True,
        high_is_good=True,
        width=12,
    )


def _burn(objective: objectives.Objective) -> Panel:
    slowest, *_, fastest = sorted(burn.rate for burn in (*objectives.FAST, *objectives.SLOW))
    return Panel(
        f"{objective.name}: burn rate",
        "Bad requests relative to the permitted ones, over several windows. At 1 the budget lasts exactly 30 days.",
        "none",
        [
            Query(
                f"max by (job) ({objective.record}{window}{{{RELEASE}}}) / {objective.budget:g}",
                f"{{{{job}}}} {window}",
            )
            for window in ("5m", "1h", "6h", "3d")
        ],
        limits=[slowest, fastest],
        alerts=[f"Mathops{objective.name}BudgetBurnsFast"],
        width=12,
    )


OBJECTIVES = Row("Objectives", [*map(_budget, objectives.OBJECTIVES), *map(_burn, objectives.OBJECTIVES)])
