"""`make publish` to a real registry; then Docker and Helm pull from it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
import yaml

from mathops import __version__
from tests.e2e.cluster import ROOT, run
from tests.support.server import eventually, free_port

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry without TLS, which Docker and Helm accept on localhost."""
    if shutil.which("docker-registry") is None and not os.environ.get("CI"):
        pytest.skip("docker-registry is not installed")
    address = f"localhost:{free_port()}"
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": address},
    }
    (tmp_path / "registry.yml").write_text(yaml.safe_dump(settings))
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"], stdout=log, stderr=log)

    def is_ready() -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"http://{address}/v2/").is_success
        return False

    eventually(is_ready, 30)
    yield address
    process.terminate()
    process.wait()


def test_the_printed_command_installs_the_published_image(registry: str) -> None:
    published = f"{registry}/team/mathops:{__version__}"

    printed = run(
        "make", "--no-print-directory", "publish", f"REGISTRY={registry}/team", "HELM_PUSH_FLAGS=--plain-http"
    )

    helm, install, name, *arguments = printed.splitlines()[-1].split()
    assert (helm, install, name) == ("helm", "install", "mathops")
    rendered = run("helm", "template", name, *arguments[:-1], "--plain-http")
    pods = [item["spec"]["template"] for item in yaml.safe_load_all(rendered) if item and item["kind"] == "StatefulSet"]
    images = {container["image"] for pod in pods for container in pod["spec"]["containers"]}
    assert published in images
    run("docker", "rmi", published)
    version = run("docker", "run", "--rm", published, "--version")
    assert __version__ in version
    run("docker", "rmi", published)


def test_a_missing_registry_is_reported_with_an_example() -> None:
    outcome = subprocess.run(["make", "publish", "REGISTRY="], capture_output=True, text=True, check=False, cwd=ROOT)

    assert outcome.returncode == 2
    assert "make publish REGISTRY=registry.example/team" in outcome.stderr
