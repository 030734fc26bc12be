"""A kind cluster and Helm releases on it, driven by kubectl and helm."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.server import eventually, free_port

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "mathops"
CONTEXT = f"kind-{os.environ.get('KIND_CLUSTER_NAME', 'mathops')}"
REPOSITORY, TAG = os.environ.get("IMAGE", "mathops:dev").rsplit(":", 1)
OWN_IMAGE = {"image": {"registry": "docker.io/library", "repository": REPOSITORY, "tag": TAG, "pullPolicy": "Never"}}


def run(*command: str, seconds: float = 300, text: str | None = None) -> str:
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, input=text)
    assert outcome.returncode == 0, f"{shlex.join(command)}\n{outcome.stdout}{outcome.stderr}"
    return outcome.stdout


def kubectl(*arguments: str, seconds: float = 300, text: str | None = None) -> str:
    return run("kubectl", "--context", CONTEXT, *arguments, seconds=seconds, text=text)


def helm(*arguments: str, seconds: float = 400, text: str | None = None) -> str:
    return run("helm", "--kube-context", CONTEXT, *arguments, seconds=seconds, text=text)


class Namespace:
    """A namespace that enforces the restricted Pod Security level."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.remove(wait=True)
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")

    def kubectl(self, *arguments: str, seconds: float = 300, text: str | None = None) -> str:
        return kubectl("--namespace", self.name, *arguments, seconds=seconds, text=text)

    def script(self, text: str, folder: Path) -> str:
        """Run a shell script with kubectl configured for this namespace; `folder` stores the kubeconfig."""
        config = folder / "kubeconfig"
        config.write_text(kubectl("config", "view", "--minify", "--flatten"))
        run("kubectl", "--kubeconfig", str(config), "config", "set-context", CONTEXT, "--namespace", self.name)
        return run("sh", "-euc", f"export KUBECONFIG={shlex.quote(str(config))}\n{text}")

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "--output", "json"))

    def apply(self, *documents: dict[str, Any]) -> None:
        self.kubectl("apply", "--filename", "-", text=yaml.safe_dump_all(documents))

    def helm(self, *arguments: str, values: dict[str, Any] | None = None) -> str:
        """Run a helm command with `values`."""
        extra = ["--values", "-"] if values is not None else []
        return helm("--namespace", self.name, *arguments, *extra, text=yaml.safe_dump(values) if extra else None)

    def upgrade(self, release: str, values: dict[str, Any], chart: Path = CHART) -> str:
        """Install or upgrade, and wait until all pods are ready."""
        command = ["upgrade", "--install", release, str(chart), "--wait", "--timeout", "4m"]
        return self.helm(*command, values={**OWN_IMAGE, **values})

    def charts(self, release: str) -> list[str]:
        """Names and versions of the charts of the release's revisions, oldest first."""
        return [revision["chart"] for revision in json.loads(self.helm("history", release, "--output", "json"))]

    @contextmanager
    def client(self, target: str = "service/mathops", port: int = 5000) -> Iterator[httpx2.Client]:
        """A client connected to a pod of `target`."""
        local = free_port()
        command = ["kubectl", "--context", CONTEXT, "-n", self.name, "port-forward", target, f"{local}:{port}"]
        forward = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{local}", timeout=30) as client:
                eventually(lambda: _responses(client), 30)
                yield client
        finally:
            forward.terminate()
            forward.wait()

    def secrets(self) -> dict[str, Any]:
        """The data of the Secrets of the release, without helm's own."""
        items = self.get("secrets")["items"]
        return {item["metadata"]["name"]: item["data"] for item in items if item["type"] == "Opaque"}

    def claims(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.get("persistentvolumeclaims")["items"]}

    def state(self) -> str:
        """Objects, events and logs, for the report of a failure."""
        parts = []
        for command in (
            ["get", "all,pvc,events", "--output", "wide"],
            ["describe", "pods"],
            ["logs", "--selector", "app.kubernetes.io/part-of", "--all-containers", "--prefix", "--tail", "40"],
        ):
            with suppress(AssertionError, subprocess.TimeoutExpired):
                parts.append(self.kubectl(*command, seconds=30))
        return "\n".join(parts)

    def remove(self, *, wait: bool = False) -> None:
        kubectl("delete", "namespace", self.name, "--ignore-not-found", f"--wait={str(wait).lower()}")


def _responses(client: httpx2.Client) -> bool:
    with suppress(httpx2.TransportError):
        return client.get("/").status_code < 500
    return False


def bearer(client: httpx2.Client, user: str = "alice") -> dict[str, str]:
    response = client.post("/login", json={"user": user})
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['token']}"}


def results(client: httpx2.Client, user: str = "alice") -> list[str]:
    """Results in the user's history, newest first."""
    records = client.get("/history?limit=200", headers=bearer(client, user)).json()["records"]
    return [record["result"] for record in records]
