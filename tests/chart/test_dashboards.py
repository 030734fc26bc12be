"""The generated dashboards: up to date, complete, and linked to the runbooks."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from charts import dashboards

from tests.chart.rendering import CHART, objects, render

BOARDS = {path.name: path.read_text() for path in (CHART / "dashboards").iterdir()}
# The kubelet measures the volume, and Kubernetes has a dashboard for it.
NO_PANEL = {"MathopsVolumeAlmostFull"}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, text in BOARDS.items():
        for panel in json.loads(text)["panels"]:
            if panel["type"] != "row":
                yield f"{name}: {panel['title']}", panel


def alerts() -> set[str]:
    rules = [
        rule
        for file in ("mathops.yaml", "objectives.yaml")
        for group in yaml.safe_load((CHART / "alerts" / file).read_text())["groups"]
        for rule in group["rules"]
    ]
    return {rule["alert"] for rule in rules if "alert" in rule}


def linked() -> set[str]:
    return {link["url"].partition("#")[2] for _, panel in panels() for link in panel.get("links", [])}


def test_the_dashboards_are_up_to_date() -> None:
    assert dashboards.documents() == BOARDS, "run make chart-docs"


def test_every_panel_has_a_description_a_unit_and_thresholds() -> None:
    for title, panel in panels():
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["description"], title
        assert defaults["unit"], title
        assert defaults["thresholds"]["steps"], title


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    cells = Counter(
        (x, y)
        for panel in json.loads(BOARDS[name])["panels"]
        for position in [panel["gridPos"]]
        for x in range(position["x"], position["x"] + position["w"])
        for y in range(position["y"], position["y"] + position["h"])
    )

    assert max(cells.values()) == 1
    assert max(x for x, _ in cells) == 23


def shown(*arguments: str) -> list[dict[str, Any]]:
    """Panels of the rendered dashboard of the backing services, if there is one."""
    texts = [
        text
        for document in objects(render("--set", "dashboards.enabled=true", *arguments))
        if document["kind"] == "ConfigMap"
        for name, text in document["data"].items()
        if name.endswith("-backing-services.json")
    ]
    return [panel for text in texts for panel in json.loads(text)["panels"]]


def test_backing_services_have_rows_only_where_exported() -> None:
    def rows(*arguments: str) -> list[str]:
        return [panel["title"] for panel in shown(*arguments) if panel["type"] == "row"]

    assert shown() == []
    assert rows("--set", "kafka.exporter.enabled=true") == ["Kafka"]
    assert rows("--set", "redis.exporter.enabled=true,kafka.enabled=false,kafka.exporter.enabled=true") == ["Redis"]
    exporters = ["--set", "redis.exporter.enabled=true", "--set-json", 'dashboards.exporters=["postgresql"]']
    assert rows(*exporters) == ["Redis", "PostgreSQL"]


def test_omitted_rows_leave_no_gap() -> None:
    panels = shown("--set", "redis.exporter.enabled=true", "--set-json", 'dashboards.exporters=["postgresql"]')
    lines = {y for panel in panels for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])}
    assert lines == set(range(len(lines)))


def test_queries_of_a_row_use_the_metrics_and_the_job_of_its_exporter() -> None:
    prefixes = {"Redis": "redis_", "Kafka": "kafka_", "PostgreSQL": "pg_"}
    row = ""
    for panel in json.loads(BOARDS["backing-services.json"])["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        for target in panel.get("targets", []):
            selectors = re.findall(r"(\w+)\{([^}]*)\}", target["expr"])
            assert selectors, panel["title"]
            for metric, matchers in selectors:
                assert metric == "up" or metric.startswith(prefixes[row])
                assert f'job=~"$job-{row.lower()}"' in matchers


def test_every_alert_is_linked_from_a_panel() -> None:
    assert linked() == {alert.lower() for alert in alerts() - NO_PANEL}


def test_titles_of_panels_are_unique() -> None:
    assert [title for title, times in Counter(title for title, _ in panels()).items() if times > 1] == []


def test_a_runbook_of_the_user_replaces_that_of_the_project() -> None:
    own = "https://wiki.example.com/mathops"
    rendered = render("--set", f"dashboards.enabled=true,prometheusRule.enabled=true,prometheusRule.runbookUrl={own}")

    # In an alert and in the panel of it.
    assert rendered.count(f"{own}#mathopsslowcommits") == 2
    assert "runbooks.md" not in rendered
