"""Names and values in the chart's README agree with the rendered objects."""

import re
from typing import Any

import pytest
import yaml

from tests.chart.rendering import CHART, objects, pod_templates, render

README = (CHART / "README.md").read_text()
RELOAD = "secret.reloader.stakater.com/reload"


def section(title: str) -> str:
    return re.split(r"^##+ ", README.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_annotations_for_reloader_name_the_secrets_of_each_pod(tmp_path: Any) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", section("Changed Secrets"), re.DOTALL)
    (tmp_path / "values.yaml").write_text(example)

    workloads = [
        (metadata, spec)
        for document in objects(render("--values", str(tmp_path / "values.yaml")))
        if document["kind"] == "StatefulSet"
        for metadata, spec in pod_templates(document)
    ]

    assert len(workloads) == 3
    for metadata, spec in workloads:
        variables = [variable for container in spec["containers"] for variable in container["env"]]
        secrets = {variable["valueFrom"]["secretKeyRef"]["name"] for variable in variables if "valueFrom" in variable}
        assert set(metadata["annotations"][RELOAD].split(",")) == secrets


@pytest.mark.parametrize(
    ("part", "prefix"), [("", ""), ("-kafka", "kafka."), ("-redis", "redis.")], ids=["server", "kafka", "redis"]
)
def test_the_procedure_for_volumes_names_claim_and_value(part: str, prefix: str) -> None:
    text = section("Enlarging a volume")
    value = f"{prefix}persistence.size"
    arguments = ["--set", f"redis.persistence.enabled=true,{value}=10Gi"]
    (workload,) = [
        document
        for document in objects(render(*arguments))
        if document["kind"] == "StatefulSet" and document["metadata"]["name"] == f"mathops{part}"
    ]
    (claim,) = workload["spec"]["volumeClaimTemplates"]

    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert value in text
    assert f"{claim['metadata']['name']}-{workload['metadata']['name']}-0" in text
    assert re.search(rf"statefulset {workload['metadata']['name']} |`{workload['metadata']['name']}`", text)


def test_the_exporter_of_postgresql_has_the_job_that_the_dashboard_selects() -> None:
    exporter, values = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", section("Backing services"), re.DOTALL))
    (monitor,) = [
        document["metadata"]["name"]
        for document in objects(render("--set", "serviceMonitor.enabled=true"))
        if document["kind"] == "ServiceMonitor"
    ]

    assert [f"{monitor}-{service}" for service in values["dashboards"]["exporters"]] == [exporter["fullnameOverride"]]
