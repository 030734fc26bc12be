"""The chart, rendered by helm."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "mathops"
SHAPES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
# Custom resources, defined by their operators.
CUSTOM = ("monitoring.coreos.com/", "gateway.networking.k8s.io/", "cert-manager.io/")


def render(*arguments: str, chart: Path = CHART) -> str:
    command = ["helm", "template", "mathops", str(chart), "--namespace", "numbers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def values_of(shape: str) -> list[str]:
    return ["--values", str(CHART / "ci" / f"{shape}-values.yaml")]


def objects(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def pod_specs(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pod specifications of all workloads."""
    return [spec for document in documents for _, spec in pod_templates(document)]


def pod_templates(document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Metadata and specification of the pod of a workload, if the document is one."""
    spec = document.get("spec", {})
    match document["kind"]:
        case "Pod":
            return [(document["metadata"], spec)]
        case "Deployment" | "StatefulSet" | "Job":
            return [(spec["template"]["metadata"], spec["template"]["spec"])]
        case "CronJob":
            template = spec["jobTemplate"]["spec"]["template"]
            return [(template["metadata"], template["spec"])]
    return []
