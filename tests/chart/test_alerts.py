"""The alerts of a release, evaluated by promtool: they fire for that release and for no other."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import objects, render

MONITORED = ["--set", "prometheusRule.enabled=true,serviceMonitor.enabled=true"]
BUILD = 'mathops_build_info{{namespace="{namespace}", job="{job}", instance="a"}}'
FAILURES = 'mathops_journal_failures_total{{namespace="{namespace}", job="{job}", instance="a", reason="timeout"}}'
BYTES = 'kubelet_volume_stats_{kind}_bytes{{namespace="{namespace}", persistentvolumeclaim="{claim}"}}'


def rules(*arguments: str) -> dict[str, Any]:
    (rule,) = [document for document in objects(render(*arguments)) if document["kind"] == "PrometheusRule"]
    spec: dict[str, Any] = rule["spec"]
    return spec


def firing(
    folder: Path, spec: dict[str, Any], series: dict[str, str], alert: str, expected: list[dict[str, str]]
) -> None:
    """Assert that after 20 minutes of `series` the alert fires with exactly these sets of labels."""
    assert alert in {rule.get("alert") for group in spec["groups"] for rule in group["rules"]}
    (folder / "rules.yaml").write_text(yaml.safe_dump(spec))
    query = {
        "expr": f'count by (namespace, job) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
        "eval_time": "20m",
        "exp_samples": [{"labels": _braces(labels), "value": 1} for labels in expected],
    }
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [query]}
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    command = ["promtool", "test", "rules", str(folder / "test.yaml")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def _braces(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def build(namespace: str, job: str) -> str:
    return BUILD.format(namespace=namespace, job=job)


@pytest.mark.parametrize(
    ("arguments", "job"),
    [
        ([], "mathops"),
        (["--set", "fullnameOverride=numbers"], "numbers"),
        (["--set", "nameOverride=numbers"], "mathops-numbers"),
    ],
    ids=["default", "fullnameOverride", "nameOverride"],
)
def test_an_absent_release_is_reported_although_another_one_is_alive(
    tmp_path: Path, arguments: list[str], job: str
) -> None:
    spec = rules(*MONITORED, *arguments)
    own = {"namespace": "numbers", "job": job}

    firing(tmp_path, spec, {build("staging", job): "1x20"}, "MathopsAbsent", [own])
    firing(tmp_path, spec, {build("numbers", "another"): "1x20"}, "MathopsAbsent", [own])
    firing(tmp_path, spec, {build("numbers", job): "1x20"}, "MathopsAbsent", [])


def test_a_pod_monitor_has_another_job(tmp_path: Path) -> None:
    spec = rules("--set", "prometheusRule.enabled=true,podMonitor.enabled=true")

    firing(tmp_path, spec, {build("numbers", "numbers/mathops"): "1x20"}, "MathopsAbsent", [])


def test_the_matchers_of_the_user_replace_those_of_the_chart(tmp_path: Path) -> None:
    matchers = 'team="{{ .Release.Name }}"'
    spec = rules(*MONITORED, "--set-string", f"prometheusRule.matchers={matchers}")

    firing(tmp_path, spec, {'mathops_build_info{team="mathops", job="any"}': "1x20"}, "MathopsAbsent", [])


def test_only_the_failures_of_the_release_fire(tmp_path: Path) -> None:
    spec = rules(*MONITORED)
    rising = "0x10 0+1x10"
    series = {FAILURES.format(namespace=namespace, job="mathops"): rising for namespace in ("numbers", "staging")}

    firing(tmp_path, spec, series, "MathopsJournalUnavailable", [{"namespace": "numbers", "job": "mathops"}])


@pytest.mark.parametrize(
    ("arguments", "claim"),
    [
        ([], "data-mathops-0"),
        (["--set", "fullnameOverride=numbers"], "data-numbers-0"),
        (["--set", "persistence.existingClaim=mine"], "mine"),
    ],
    ids=["default", "fullnameOverride", "existingClaim"],
)
def test_the_volume_of_the_release_fires_and_no_other(tmp_path: Path, arguments: list[str], claim: str) -> None:
    spec = rules(*MONITORED, *arguments)

    def full(namespace: str, claim: str) -> dict[str, str]:
        sizes = {"available": "5x20", "capacity": "100x20"}
        return {BYTES.format(kind=kind, namespace=namespace, claim=claim): size for kind, size in sizes.items()}

    firing(tmp_path, spec, full("numbers", claim), "MathopsVolumeAlmostFull", [{"namespace": "numbers"}])
    firing(tmp_path, spec, full("staging", claim) | full("numbers", "other"), "MathopsVolumeAlmostFull", [])


def test_without_a_volume_there_is_no_alert_for_it() -> None:
    spec = rules(*MONITORED, "--set", "persistence.enabled=false")

    assert "MathopsVolumeAlmostFull" not in {rule.get("alert") for group in spec["groups"] for rule in group["rules"]}


def test_errors_of_users_are_not_hidden_by_probes_and_scrapes(tmp_path: Path) -> None:
    spec = rules(*MONITORED)
    labels = 'namespace="numbers", job="mathops", instance="a"'
    series = {
        build("numbers", "mathops"): "1x20",
        f'http_requests_total{{{labels}, route="/pow", status="503"}}': "0+1x20",
        f'http_requests_total{{{labels}, route="/readyz", status="200"}}': "0+12x20",
        f'http_requests_total{{{labels}, route="/metrics", status="200"}}': "0+4x20",
    }

    firing(tmp_path, spec, series, "MathopsAvailabilityBudgetBurnsFast", [{"namespace": "numbers", "job": "mathops"}])
