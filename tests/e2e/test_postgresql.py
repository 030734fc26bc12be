"""Two replicas on PostgreSQL: an upgrade from the previous chart without a failed request, and autoscaling."""

import json
import os
from typing import Any

import pytest

from tests.e2e.cluster import OWN_IMAGE, Namespace, bearer, helm, kubectl, results
from tests.support.previous_chart import previous_chart
from tests.support.server import eventually

pytestmark = pytest.mark.timeout(600)

VALUES: dict[str, Any] = {
    "replicaCount": 2,
    "database": {"existingSecret": "mathops-database"},
    "redis": {"enabled": False},
    "kafka": {"enabled": False},
    "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "640Mi"}},
}
HARDENED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
UNPRIVILEGED = {"runAsNonRoot": True, "runAsUser": 999, "fsGroup": 999, "seccompProfile": {"type": "RuntimeDefault"}}

# Sends requests until /tmp/stop exists, over new and persistent connections; prints the failures.
CLIENT = """
import http.client, json, threading, time, pathlib
HOST = "mathops"
def send(connection, method, path, headers, body=None):
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()
login = http.client.HTTPConnection(HOST, 5000, timeout=10)
token = json.loads(send(login, "POST", "/login", {"Content-Type": "application/json"}, '{"user":"load"}')[1])["token"]
headers = {"Authorization": "Bearer " + token}
done, failures = [0], []
def load(keep):
    connection = http.client.HTTPConnection(HOST, 5000, timeout=10)
    while not pathlib.Path("/tmp/stop").exists():
        if not keep:
            connection = http.client.HTTPConnection(HOST, 5000, timeout=10)
        try:
            status, _ = send(connection, "GET", f"/pow?base={done[0]}&exp=3", headers)
            if status != 200:
                failures.append(status)
        except Exception as error:
            failures.append(repr(error))
            connection.close()
        done[0] += 1
        if not keep:
            connection.close()
        time.sleep(0.01)
threads = [threading.Thread(target=load, args=(keep,)) for keep in (True, True, False, False)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(json.dumps({"requests": done[0], "failures": failures}))
# The container ends with this program; kubectl exec, which created the file, still runs in it.
time.sleep(2)
"""


def _pod(name: str, image: str, command: list[str], environment: dict[str, str], labels: dict[str, str]) -> Any:
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": HARDENED,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        **({"command": command} if command else {}),
    }
    spec = {
        "securityContext": UNPRIVILEGED,
        "restartPolicy": "Never",
        "containers": [container],
        "enableServiceLinks": False,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Install the previous version of the chart with PostgreSQL."""
    password = {"POSTGRES_PASSWORD": "secret", "POSTGRES_USER": "mathops", "POSTGRES_DB": "mathops"}
    namespace.apply(
        _pod("postgres", "postgres:17", [], password, {"app": "postgres"}),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "postgres"},
            "spec": {"selector": {"app": "postgres"}, "ports": [{"port": 5432}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "mathops-database"},
            "stringData": {"url": "postgresql://mathops:secret@postgres:5432/mathops"},
        },
    )
    namespace.kubectl("wait", "--for=condition=Ready", "pod/postgres", "--timeout=2m")
    ready = ["exec", "postgres", "--", "pg_isready", "--host", "postgres", "--username", "mathops"]
    eventually(lambda: "accepting" in _tried(namespace, ready), 60)
    namespace.upgrade("mathops", VALUES, previous_chart(tmp_path_factory.mktemp("previous")))


def _tried(namespace: Namespace, command: list[str]) -> str:
    try:
        return namespace.kubectl(*command)
    except AssertionError:
        return ""


def test_both_replicas_respond_and_share_their_rows(namespace: Namespace) -> None:
    pods = namespace.get("pods", "--selector", "app.kubernetes.io/component=server")["items"]
    names = [pod["metadata"]["name"] for pod in pods]
    assert len(names) == 2
    for number, name in enumerate(names):
        with namespace.client(f"pod/{name}") as client:
            assert client.get(f"/pow?base=3&exp={number + 5}", headers=bearer(client)).status_code == 200
    with namespace.client() as client:
        assert {"243", "729"} <= set(results(client))


def test_an_upgrade_from_the_previous_chart_and_back_fails_no_request(namespace: Namespace) -> None:
    secrets = namespace.secrets()
    image = f"{OWN_IMAGE['image']['registry']}/{OWN_IMAGE['image']['repository']}:{OWN_IMAGE['image']['tag']}"
    namespace.apply(_pod("load", image, ["python", "-c", CLIENT], {}, {"app": "load"}))
    namespace.kubectl("wait", "--for=condition=Ready", "pod/load", "--timeout=1m")

    namespace.upgrade(
        "mathops",
        {**VALUES, "podAnnotations": {"example.com/again": "yes"}, "migrations": {"job": {"enabled": True}}},
    )
    assert namespace.secrets() == secrets
    namespace.helm("rollback", "mathops", "--wait", "--timeout", "3m")

    assert namespace.secrets() == secrets
    before, new, after = namespace.charts("mathops")
    assert before == after != new
    namespace.kubectl("exec", "load", "--", "touch", "/tmp/stop")
    namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/load", "--timeout=1m")
    summary = json.loads(namespace.kubectl("logs", "load"))
    assert summary["failures"] == []
    assert summary["requests"] > 200


def test_load_adds_pods(namespace: Namespace) -> None:
    kubectl("apply", "--filename", os.environ["METRICS_SERVER_MANIFEST"])
    arguments = kubectl(
        "-n", "kube-system", "get", "deployment/metrics-server",
        "--output", "jsonpath={.spec.template.spec.containers[0].args}",
    )  # fmt: skip
    if "--kubelet-insecure-tls" not in arguments:
        # kind's kubelets sign their own certificates.
        addition = '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]'
        kubectl("-n", "kube-system", "patch", "deployment/metrics-server", "--type=json", "--patch", addition)
    kubectl("-n", "kube-system", "rollout", "status", "deployment/metrics-server", "--timeout=3m")
    namespace.upgrade("mathops", {**VALUES, "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3}})

    image = f"{OWN_IMAGE['image']['registry']}/{OWN_IMAGE['image']['repository']}:{OWN_IMAGE['image']['tag']}"
    namespace.kubectl("delete", "pod", "load", "--ignore-not-found", "--wait")
    namespace.apply(_pod("load", image, ["python", "-c", CLIENT.replace("time.sleep(0.01)", "")], {}, {"app": "load"}))

    def scaled() -> bool:
        status = namespace.get("horizontalpodautoscaler/mathops")["status"]
        return bool(status.get("desiredReplicas", 0) >= 3)

    eventually(scaled, 240)
    namespace.kubectl("exec", "load", "--", "touch", "/tmp/stop")
    assert "REVISION" in helm("--namespace", namespace.name, "status", "mathops")
