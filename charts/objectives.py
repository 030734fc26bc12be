"""Generate alerts/objectives.yaml: recording rules of two service level objectives, and alerts on their error budgets.

The windows and burn rates are those of the Google SRE workbook, chapter 5. `make chart-docs` runs this program.
"""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from charts.boards.panels import RUNBOOKS

TARGET = Path(__file__).parent / "mathops" / "alerts" / "objectives.yaml"
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# Prometheus requests, and probes of the kubelet, are no requests of users.
_USERS = 'job=~".+", route!~"/livez|/readyz|/startupz|/metrics"'
# Other services may have metrics of the same name. Instances that have ended count too.
_OWN = "and on (namespace, job, instance) last_over_time(mathops_build_info[WINDOW])"
_HEADER = "# `make chart-docs` generates this file by charts/objectives.py.\n"


class Burn(NamedTuple):
    """An alert fires when both windows burn the budget of 30 days at `rate` times the permitted speed."""

    rate: float
    long: str
    short: str


FAST = (Burn(14.4, "1h", "5m"), Burn(6, "6h", "30m"))
SLOW = (Burn(3, "1d", "2h"), Burn(1, "3d", "6h"))


class Objective(NamedTuple):
    """`bad` is the ratio of bad requests in WINDOW, `budget` the permitted one."""

    name: str
    record: str
    budget: float
    bad: str
    summary: str
    description: str


def _rate(metric: str, matchers: str = "") -> str:
    selector = f"{_USERS}, {matchers}" if matchers else _USERS
    return f"sum by (namespace, job) (rate({metric}{{{selector}}}[WINDOW]) {_OWN})"


_ALL = _rate("http_requests_total")
# Without an error there is no series to count.
_NONE = '0 * sum by (namespace, job) (mathops_build_info{job=~".+"})'
_ERRORS = "({} or {})".format(_rate("http_requests_total", 'status=~"5.."'), _NONE)
_IN_TIME = _rate("http_request_duration_seconds_bucket", 'le=~"1|1.0"')
OBJECTIVES = (
    Objective(
        "Availability",
        "mathops:http_errors:ratio_rate",
        0.001,
        f"{_ERRORS} / {_ALL}",
        "{{ $labels.job }} returns too many errors.",
        "{{ $value | humanizePercentage }} of responses are 5xx",
    ),
    Objective(
        "Latency",
        "mathops:http_slow:ratio_rate",
        0.01,
        f"1 - {_IN_TIME} / {_rate('http_request_duration_seconds_count')}",
        "{{ $labels.job }} is slow.",
        "{{ $value | humanizePercentage }} of responses take longer than 1 s",
    ),
)


def bad_ratio(objective: Objective, window: str, matchers: str = 'job=~".+"') -> str:
    return objective.bad.replace("WINDOW", window).replace('job=~".+"', matchers)


def _alert(objective: Objective, suffix: str, severity: str, burns: tuple[Burn, ...], hold: str) -> dict[str, Any]:
    def exceeded(burn: Burn, window: str) -> str:
        return f'{objective.record}{window}{{job=~".+"}} > {burn.rate:g} * {objective.budget:g}'

    name = f"Mathops{objective.name}Budget{suffix}"
    return {
        "alert": name,
        "expr": " or ".join(f"({exceeded(burn, burn.long)} and {exceeded(burn, burn.short)})" for burn in burns),
        "for": hold,
        "labels": {"severity": severity},
        "annotations": {
            "runbook_url": f"{RUNBOOKS}#{name.lower()}",
            "summary": objective.summary,
            "description": f"{objective.description}; the objective is at most {objective.budget * 100:g}% in 30 days.",
        },
    }


def document() -> str:
    rules: list[dict[str, Any]] = []
    for objective in OBJECTIVES:
        rules += [{"record": f"{objective.record}{window}", "expr": bad_ratio(objective, window)} for window in WINDOWS]
        rules.append(_alert(objective, "BurnsFast", "critical", FAST, "2m"))
        rules.append(_alert(objective, "BurnsSlowly", "warning", SLOW, "15m"))
    groups = {"groups": [{"name": "mathops-objectives", "rules": rules}]}
    return _HEADER + yaml.safe_dump(groups, sort_keys=False, width=1000)


if __name__ == "__main__":
    TARGET.write_text(document())
