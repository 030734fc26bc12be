"""skaffold.yaml: what its profiles make of it, and that it agrees with the chart, the Makefile and the Dockerfile."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import objects, pod_specs, render

ROOT = Path(__file__).parents[2]


def configuration(*profiles: str) -> dict[str, Any]:
    """The configuration with these profiles: skaffold replaces whole sections, then applies the patches."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    by_name = {profile["name"]: profile for profile in document.pop("profiles")}
    for name in profiles:
        for section, content in by_name[name].items():
            if section not in ("name", "activation", "patches"):
                document[section] = {**document.get(section, {}), **content}
        for patch in by_name[name].get("patches", []):
            _patch(document, patch)
    return document


def _patch(document: Any, patch: dict[str, Any]) -> None:
    *folders, last = patch["path"].strip("/").split("/")
    for part in folders:
        document = document[int(part) if isinstance(document, list) else part]
    assert patch["op"] == "add" or last in document
    document[last] = patch["value"]


@pytest.mark.parametrize("profiles", [("kind",), ("registry",), ("dev", "kind")], ids="-".join)
def test_every_profile_builds_with_buildkit(profiles: tuple[str, ...]) -> None:
    local = configuration(*profiles)["build"]["local"]
    assert local["useBuildkit"]
    assert local["push"] is ("registry" in profiles)


def test_the_image_has_a_repository_of_its_own() -> None:
    config = configuration()
    (artifact,) = config["build"]["artifacts"]
    default = re.search(r"^IMAGE \?= (.+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert default
    assert artifact["image"] != default[1]
    assert config["verify"][0]["container"]["image"] == artifact["image"]
    variable = re.sub(r"\W", "_", artifact["image"])
    templates = config["deploy"]["helm"]["releases"][0]["setValueTemplates"]
    names = set(re.findall(r"IMAGE_[A-Z]+_(\w+)", "".join(templates.values())))
    assert names == {variable}


def test_the_verification_reaches_the_service_from_every_namespace() -> None:
    config = configuration()
    release = config["deploy"]["helm"]["releases"][0]
    (service,) = objects(render("--show-only", "templates/service.yaml"))
    address = f"http://{service['metadata']['name']}.{release['namespace']}:{service['spec']['ports'][0]['port']}/"
    assert address in config["verify"][0]["container"]["args"][0]


def test_the_image_decides_whether_the_server_reloads() -> None:
    (server,) = [
        container
        for pod in pod_specs(objects(render()))
        for container in pod["containers"]
        if container["name"] == "mathops"
    ]
    assert not {"command", "args"} & set(server)
    artifact = configuration("dev")["build"]["artifacts"][0]
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    (stage,) = [stage for stage in stages if stage.splitlines()[0].endswith(f" AS {artifact['docker']['target']}")]
    assert 'CMD ["serve", "--reload"]' in stage
    assert artifact["sync"]["manual"][0]["dest"] in stage


def test_the_values_of_the_dev_profile_suit_the_chart() -> None:
    release = configuration("dev")["deploy"]["helm"]["releases"][0]
    values = ",".join(f"{name}={str(value).lower()}" for name, value in release["setValues"].items())
    (server,) = [
        pod for pod in pod_specs(objects(render("--set", values))) if pod["containers"][0]["name"] == "mathops"
    ]
    assert server["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is False
    assert server["securityContext"]["runAsGroup"] == 0
