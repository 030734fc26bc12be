"""The chart's files match the service; needs neither a cluster nor Helm."""

import json
import re
import subprocess
from pathlib import Path

import yaml
from charts import generate
from prometheus_client import REGISTRY

from mathops.telemetry import metrics

CHART = Path(__file__).parents[2] / "charts" / "mathops"
KUBELET_METRICS = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
WORD = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
# Functions and variables of PromQL that look like metric names.
PROMQL = {"histogram_quantile", "min_over_time", "last_over_time", "__rate_interval"}


def test_the_values_schema_is_up_to_date() -> None:
    assert (CHART / "values.schema.json").read_text() == generate.values_schema(), "run make chart-docs"


def test_dashboards_use_only_metrics_of_the_service() -> None:
    for path in sorted((CHART / "dashboards").glob("*.json")):
        if path.stem == "backing-services":  # tests/chart/test_dashboards.py
            continue
        dashboard = json.loads(path.read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        assert queries
        assert _metrics(" ".join(queries)) <= _served(), path.name


def test_alerts_use_only_metrics_of_the_service() -> None:
    document = yaml.safe_load((CHART / "alerts" / "mathops.yaml").read_text())
    expressions = " ".join(rule["expr"] for group in document["groups"] for rule in group["rules"])
    assert _metrics(expressions) - KUBELET_METRICS <= _served()


def test_alerts_select_only_documented_reasons() -> None:
    rows = (CHART.parents[1] / "docs" / "operations.md").read_text().splitlines()
    alerts = (CHART / "alerts" / "mathops.yaml").read_text()
    selected = re.findall(r'(mathops_\w+)\{[^}]*reason="(\w+)"', alerts)
    assert selected
    for metric, reason in selected:
        row = next(row for row in rows if row.startswith(f"| `{metric}{{"))
        assert f"`{reason}`" in row


def test_the_chart_runs_this_version() -> None:
    from mathops import __version__

    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_scripts_keep_the_line_ends_of_linux_in_checkouts_on_windows() -> None:
    scripts = [str(path) for path in CHART.rglob("*.sh")]
    assert scripts
    output = subprocess.check_output(["git", "check-attr", "eol", "--", *scripts], cwd=CHART, text=True)
    assert all(line.endswith(": eol: lf") for line in output.splitlines())


def _metrics(expressions: str) -> set[str]:
    without_labels = re.sub(r"\{[^}]*\}", "", expressions)
    # Names with a colon are those of recording rules.
    return set(WORD.findall(re.sub(r"\w+(:\w+)+", "", without_labels))) - PROMQL


def _served() -> set[str]:
    assert metrics.BUILD_INFO
    names = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    return names
