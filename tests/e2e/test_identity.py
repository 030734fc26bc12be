"""Workloads of the cluster call the service with the tokens of their service accounts."""

import re
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import CHART, REPOSITORY, TAG, Namespace
from tests.support.server import eventually

pytestmark = pytest.mark.timeout(600)

TARGET = "/pow?base=2&exp=5"
EXAMPLES = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
]
ISSUER = "https://kubernetes.default.svc.cluster.local"


def example(key: str, value: Any = None) -> dict[str, Any]:
    """The example of the chart's README with that member."""
    (found,) = [text for text in EXAMPLES if key in text and value in (None, text[key])]
    return found


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: Namespace) -> None:
    """The service with the values of the chart's README, and two service accounts."""
    identity = example("kubernetesIdentity")["kubernetesIdentity"]
    accounts = [{**account, "namespace": namespace.name} for account in identity["serviceAccounts"]]
    for name in ("nightly", "other"):
        namespace.kubectl("create", "serviceaccount", name)
    values = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**values, "kubernetesIdentity": {**identity, "serviceAccounts": accounts}})


def status(namespace: Namespace, account: str, audience: str = "mathops") -> int:
    token = namespace.kubectl("create", "token", account, "--audience", audience, "--duration", "10m").strip()
    with namespace.client() as client:
        return client.get(TARGET, headers={"Authorization": f"Bearer {token}"}).status_code


def test_the_keys_of_the_cluster_are_read(namespace: Namespace) -> None:
    with namespace.client() as client:
        assert eventually(lambda: client.get("/readyz").json()["checks"]["issuers"] == "ok", 30)


def test_a_pod_computes_with_its_own_token(namespace: Namespace) -> None:
    pod = example("kind", "Pod")
    pod["metadata"]["namespace"] = namespace.name
    (container,) = pod["spec"]["containers"]
    # The image of the service has Python too, and is in the cluster.
    container |= {"image": f"docker.io/library/{REPOSITORY}:{TAG}", "imagePullPolicy": "Never"}
    container["command"][-1] = container["command"][-1].replace("mathops.default", f"mathops.{namespace.name}")

    namespace.apply(pod)
    namespace.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/nightly", "--timeout=2m")

    assert '"result":"32"' in namespace.kubectl("logs", "nightly")
    rows = namespace.kubectl("exec", "mathops-0", "--", "mathops", "history", "--json")
    assert f"{ISSUER}#system:serviceaccount:{namespace.name}:nightly" in rows


def test_an_accepted_service_account_may_compute_and_no_other(namespace: Namespace) -> None:
    assert [status(namespace, "nightly"), status(namespace, "other")] == [200, 403]


@pytest.mark.parametrize("audience", ["https://kubernetes.default.svc.cluster.local", "other"])
def test_a_token_for_another_audience_is_rejected(namespace: Namespace, audience: str) -> None:
    assert status(namespace, "nightly", audience) == 401


def test_a_change_of_the_values_needs_no_restart(namespace: Namespace) -> None:
    before = namespace.get("pod", "mathops-0")["metadata"]["uid"]
    account = {"namespace": namespace.name, "name": "other", "scopes": ["math"]}
    values = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**values, "kubernetesIdentity": {"enabled": True, "serviceAccounts": [account]}})

    # The kubelet updates mounted ConfigMaps about once a minute.
    eventually(lambda: status(namespace, "other") == 200, 150)
    assert status(namespace, "nightly") == 403
    assert namespace.get("pod", "mathops-0")["metadata"]["uid"] == before
