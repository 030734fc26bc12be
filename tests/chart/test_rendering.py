"""Each supported configuration, rendered and validated against the Kubernetes schemas."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.chart.rendering import CHART, CUSTOM, SHAPES, objects, pod_specs, pod_templates, render, values_of

# The oldest version that Chart.yaml allows, the version in tests/e2e, and the newest version.
VERSIONS = ("1.29", "1.34", "1.37")


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


# Settings of a platform that apply to every pod of the service's image.
PLATFORM = """
podLabels: {mesh: "off"}
podAnnotations: {mesh/inject: "false"}
extraEnv: [{name: TZ, value: UTC}]
extraEnvFrom: [{configMapRef: {name: more}}]
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
tolerations: [{key: numbers, operator: Exists}]
runtimeClassName: gvisor
dnsConfig: {options: [{name: ndots, value: "2"}]}
containerSecurityContext: {readOnlyRootFilesystem: true, seccompProfile: {type: RuntimeDefault}}
resources: {limits: {cpu: 1, memory: 1Gi}}
backup: {resources: {limits: {cpu: 1, memory: 1Gi}}}
kafka: {enabled: false}
externalKafka: {brokers: "kafka:9093", security: ssl, existingCaSecret: authority}
"""


@pytest.mark.parametrize("shape", ["backup", "autoscaling"])
def test_every_pod_of_the_image_has_the_settings_of_the_platform(shape: str, tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(PLATFORM)
    platform = yaml.safe_load(PLATFORM)
    pods = [
        (metadata, spec, container)
        for document in objects(render(*values_of(shape), "--values", str(tmp_path / "platform.yaml")))
        for metadata, spec in pod_templates(document)
        for container in spec["containers"]
        if "/mathops:" in container["image"]
    ]
    # The server and four tests, and the backup or the migration.
    assert len(pods) == 6
    for metadata, spec, container in pods:
        assert metadata["labels"]["mesh"] == "off"
        assert metadata["annotations"]["mesh/inject"] == "false"
        assert {"name": "TZ", "value": "UTC"} in container["env"]
        assert container["envFrom"] == platform["extraEnvFrom"]
        assert container["resources"]["limits"]["cpu"] == 1
        assert container["securityContext"].items() >= platform["containerSecurityContext"].items()
        assert {"more", "kafka-ca", "tmp"} <= {mount["name"] for mount in container["volumeMounts"]}
        assert {"more", "kafka-ca", "tmp"} <= {volume["name"] for volume in spec["volumes"]}
        for name in ("tolerations", "runtimeClassName", "dnsConfig"):
            assert spec[name] == platform[name]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_variable_of_the_user_replaces_that_of_the_chart(shape: str, tmp_path: Path) -> None:
    own = [
        {"name": "MATHOPS_WORKERS", "value": "3"},
        {"name": "TEST_USER", "value": "another"},
        {"name": "TZ", "value": "UTC"},
    ]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"extraEnv": [{"name": "TZ", "value": "first"}, *own]}))

    rendered = render(*values_of(shape), "--values", str(tmp_path / "own.yaml"))

    found = set()
    for spec in pod_specs(objects(rendered)):
        for container in spec["containers"]:
            variables = container.get("env", [])
            names = [variable["name"] for variable in variables]
            assert sorted(names) == sorted(set(names))
            if "TZ" in names:
                found.add(container["name"])
                assert all(variable in variables for variable in own)
    assert {"mathops", "test"} <= found
