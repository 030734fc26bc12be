"""Generated files are up to date, and every value, template and alert is used and tested."""

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import objectives

from tests.chart.rendering import CHART, objects, pod_specs, render, values_of


def test_the_readme_is_up_to_date(tmp_path: Path) -> None:
    for name in ("Chart.yaml", "values.yaml", "README.md.gotmpl"):
        (tmp_path / name).write_bytes((CHART / name).read_bytes())
    subprocess.run(["helm-docs", "--chart-search-root", str(tmp_path), "--log-level", "error"], check=True)
    assert (tmp_path / "README.md").read_text() == (CHART / "README.md").read_text(), "run make chart-docs"


def test_the_rendered_example_is_up_to_date() -> None:
    assert (CHART / "examples" / "gitops.yaml").read_text() == render(*values_of("gitops")), "run make chart-docs"


def test_the_icon_equals_the_svg_file() -> None:
    svg = (CHART / "icon.svg").read_bytes().strip()
    assert _yaml("Chart.yaml")["icon"] == f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def test_the_listed_images_are_the_images_of_the_pods() -> None:
    listed = yaml.safe_load(_yaml("Chart.yaml")["annotations"]["artifacthub.io/images"])
    pods = pod_specs(objects(render()))
    assert {entry["image"] for entry in listed} == {
        container["image"] for pod in pods for container in pod["containers"]
    }


def test_the_objectives_are_up_to_date() -> None:
    assert (CHART / "alerts" / "objectives.yaml").read_text() == objectives.document(), "run make chart-docs"


def _alerts(file: str) -> set[str]:
    rules = [rule for group in _yaml(f"alerts/{file}.yaml")["groups"] for rule in group["rules"]]
    return {rule["alert"] for rule in rules if "alert" in rule}


RULES = pytest.mark.parametrize("file", ["mathops", "objectives"])


@RULES
def test_every_alert_is_a_valid_rule(file: str) -> None:
    subprocess.run(["promtool", "check", "rules", str(CHART / "alerts" / f"{file}.yaml")], check=True)


@pytest.mark.timeout(180)
@RULES
def test_the_alert_tests_pass(file: str) -> None:
    subprocess.run(["promtool", "test", "rules", str(CHART / "alerts" / f"{file}_test.yaml")], check=True)


@RULES
def test_every_alert_fires_and_clears_in_a_test(file: str) -> None:
    cleared = set()
    for test in _yaml(f"alerts/{file}_test.yaml")["tests"]:
        firing = set()
        for case in test.get("alert_rule_test", []):
            if case.get("exp_alerts"):
                firing.add(case["alertname"])
            elif case["alertname"] in firing:
                cleared.add(case["alertname"])
    assert cleared == _alerts(file)


def test_every_alert_links_to_its_runbook() -> None:
    sections = re.findall(r"^## (\w+)$", (CHART.parents[1] / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    rendered = render("--set", "prometheusRule.enabled=true", "--show-only", "templates/monitoring/prometheusrule.yaml")
    (rule,) = objects(rendered)
    links = {
        alert["alert"]: alert["annotations"]["runbook_url"]
        for group in rule["spec"]["groups"]
        for alert in group["rules"]
        if "alert" in alert
    }
    assert set(links) == set(sections) == _alerts("mathops") | _alerts("objectives")
    assert all(link.endswith(f"/docs/runbooks.md#{name.lower()}") for name, link in links.items())


def test_every_value_is_used_by_a_template() -> None:
    templates = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    used = set(re.findall(r"\.([A-Za-z0-9]+)\b", templates)) | set(re.findall(r'"([A-Za-z]+)"', templates))
    assert {path for path in _leaves(_yaml("values.yaml")) if path[-1] not in used and path[0] != "settings"} == set()


def test_every_template_has_a_test() -> None:
    suites = "".join(path.read_text() for path in (CHART / "tests").glob("*_test.yaml"))
    templates = [
        str(path.relative_to(CHART / "templates"))
        for path in (CHART / "templates").rglob("*")
        if path.suffix in (".yaml", ".txt")
    ]
    assert [name for name in templates if name not in suites] == []


def test_every_validation_error_has_a_test() -> None:
    failures = (CHART / "templates" / "_validate.tpl").read_text().count("{{- fail ")
    tested = (CHART / "tests" / "validation_test.yaml").read_text().count("failedTemplate")
    schema_cases = 6
    # Names and sizes of volumes have two cases each.
    assert tested - schema_cases - 2 == failures


def _yaml(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CHART / name).read_text())
    return document


def _leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        opaque = key in ("resources", "podSecurityContext", "containerSecurityContext", "strategy") or "Probe" in key
        if isinstance(value, dict) and value and not opaque:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)
