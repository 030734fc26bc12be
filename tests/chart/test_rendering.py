"""Each supported configuration, rendered and validated against the Kubernetes schemas."""

import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.chart.rendering import CHART, SHAPES, objects, pod_specs, render, values_of

# The oldest version that Chart.yaml allows, the version in tests/e2e, and the newest version.
VERSIONS = ("1.29", "1.34", "1.37")
# Custom resources, defined by their operators.
CUSTOM = ("monitoring.coreos.com/", "gateway.networking.k8s.io/", "cert-manager.io/")


@pytest.mark.parametrize("shape", SHAPES)
def test_helm_lint_passes(shape: str) -> None:
    subprocess.run(["helm", "lint", "--strict", "--quiet", str(CHART), *values_of(shape)], check=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_object_is_valid_for_kubernetes(shape: str, version: str) -> None:
    documents = objects(render(*values_of(shape), "--kube-version", version))
    own = [document for document in documents if not document["apiVersion"].startswith(CUSTOM)]
    assert own
    for document in own:
        kubernetes_validate.validate(document, version, strict=True)


def empty_maps(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the values whose default is an empty map."""
    for name, value in values.items():
        if value == {}:
            yield ".".join((*path, name))
        elif isinstance(value, dict):
            yield from empty_maps(value, (*path, name))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_map_may_be_empty(shape: str) -> None:
    paths = set(empty_maps(yaml.safe_load((CHART / "values.yaml").read_text())))
    assert "commonAnnotations" in paths
    # A certificate requires an issuer; tests/validation_test.yaml of the chart tests its message.
    paths -= {"certificate.issuerRef"}

    render(*values_of(shape), "--set", ",".join(f"{path}=null" for path in paths))


@pytest.mark.parametrize("shape", SHAPES)
def test_no_name_is_used_twice(shape: str) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in objects(render(*values_of(shape)))]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "full"])
def test_every_pod_meets_the_restricted_level(shape: str) -> None:
    for pod in pod_specs(objects(render(*values_of(shape)))):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"] + pod.get("initContainers", []):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_two_renderings_are_equal_if_all_secrets_are_named() -> None:
    assert render(*values_of("gitops")) == render(*values_of("gitops"))


def test_two_renderings_differ_if_secrets_are_generated() -> None:
    assert render(*values_of("default")) != render(*values_of("default"))


def test_the_service_does_not_select_backup_pods() -> None:
    documents = objects(render(*values_of("backup")))
    service = next(document for document in documents if document["kind"] == "Service")
    job = next(document for document in documents if document["kind"] == "CronJob")
    labels = job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items()


def test_no_pod_contains_a_secret_in_plain_text() -> None:
    text = render(*values_of("external"))
    pods = [str(pod) for pod in pod_specs(objects(text))]
    assert pods
    assert not any("secret@" in pod for pod in pods)
