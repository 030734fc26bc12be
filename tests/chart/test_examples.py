"""The example values and manifests in k8s/ are valid for the chart."""

from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import objects, render

K8S = Path(__file__).parents[2] / "k8s"
CHART = K8S.parent / "charts" / "mathops"


@pytest.mark.parametrize("path", sorted(K8S.glob("*-values.yaml")), ids=lambda path: path.stem)
def test_the_chart_accepts_each_values_file(path: Path) -> None:
    assert objects(render("--values", str(path)))


def test_the_port_of_kind_equals_the_node_port_of_the_service() -> None:
    kind = objects((K8S / "kind.yaml").read_text())[0]["nodes"][0]["extraPortMappings"][0]
    values = objects((K8S / "kind-values.yaml").read_text())[0]
    assert kind["containerPort"] == values["service"]["nodePort"]
    assert kind["listenAddress"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["argocd", "flux"])
def test_the_chart_accepts_the_values_of_each_gitops_example(name: str, tmp_path: Path) -> None:
    last = objects((K8S / "gitops" / f"{name}.yaml").read_text())[-1]["spec"]
    values = last["values"] if name == "flux" else last["source"]["helm"]["valuesObject"]
    written = tmp_path / "values.yaml"
    written.write_text(yaml.safe_dump(values))
    assert objects(render("--values", str(written)))
    if name == "argocd":
        assert render("--values", str(written)) == render("--values", str(written))


def test_the_gitops_examples_install_this_version_and_cross_no_breaking_one() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    source = objects((K8S / "gitops" / "flux.yaml").read_text())[0]
    (application,) = objects((K8S / "gitops" / "argocd.yaml").read_text())

    # A tilde permits patch versions only.
    assert source["spec"]["ref"]["semver"] == f"~{version.rpartition('.')[0]}.0"
    assert application["spec"]["source"]["targetRevision"] == version
