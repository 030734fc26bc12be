"""The chart, rendered by helm."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "mathops"
SHAPES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))


def render(*arguments: str) -> str:
    command = ["helm", "template", "mathops", str(CHART), "--namespace", "numbers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def values_of(shape: str) -> list[str]:
    return ["--values", str(CHART / "ci" / f"{shape}-values.yaml")]


def objects(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def pod_specs(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pod specifications of all workloads."""
    found = []
    for document in documents:
        spec = document.get("spec", {})
        match document["kind"]:
            case "Pod":
                found.append(spec)
            case "Deployment" | "StatefulSet" | "Job":
                found.append(spec["template"]["spec"])
            case "CronJob":
                found.append(spec["jobTemplate"]["spec"]["template"]["spec"])
    return found
