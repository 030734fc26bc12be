"""Workloads of the cluster call the service with the tokens of their service accounts."""

import re
import time
from typing import Any

import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.e2e.cluster import CHART, CONTEXT, REPOSITORY, TAG, Namespace, run
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
    """The service with the values of the chart's README, and three service accounts."""
    identity = example("kubernetesIdentity")["kubernetesIdentity"]
    accounts = [{**account, "namespace": namespace.name} for account in identity["serviceAccounts"]]
    accounts.append({"namespace": namespace.name, "name": "retired", "scopes": ["math"]})
    for name in ("nightly", "other", "retired"):
        namespace.kubectl("create", "serviceaccount", name)
    values = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**values, "kubernetesIdentity": {**identity, "serviceAccounts": accounts}})


def issue(namespace: Namespace, account: str, audience: str = "mathops") -> str:
    return namespace.kubectl("create", "token", account, "--audience", audience, "--duration", "10m").strip()


def shorten(token: str, expires: int) -> str:
    """The token with another expiry, signed by the key of the cluster: the API server issues none below ten minutes."""
    node = f"{CONTEXT.removeprefix('kind-')}-control-plane"
    key = RSAKey.import_key(run("docker", "exec", node, "cat", "/etc/kubernetes/pki/sa.key"))
    issued = jwt.decode(token, key, algorithms=["RS256"])
    return jwt.encode(issued.header, {**issued.claims, "exp": expires}, key)


def status(namespace: Namespace, account: str, audience: str = "mathops") -> int:
    with namespace.client() as client:
        return client.get(TARGET, headers=bearer(issue(namespace, account, audience))).status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


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


def test_the_token_of_a_deleted_service_account_is_rejected_after_its_expiry(namespace: Namespace) -> None:
    expires = int(time.time()) + 20
    headers = bearer(shorten(issue(namespace, "retired"), expires))
    namespace.kubectl("delete", "serviceaccount", "retired")

    with namespace.client() as client:
        assert client.get(TARGET, headers=headers).status_code == 200
        rejected = eventually(lambda: client.get(TARGET, headers=headers).status_code == 401 and time.time(), 60)

    # The service tolerates ten seconds of clock difference.
    assert expires <= rejected < expires + 15


def test_a_change_of_the_values_needs_no_restart(namespace: Namespace) -> None:
    before = namespace.get("pod", "mathops-0")["metadata"]["uid"]
    account = {"namespace": namespace.name, "name": "other", "scopes": ["math"]}
    values = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**values, "kubernetesIdentity": {"enabled": True, "serviceAccounts": [account]}})

    # The kubelet updates mounted ConfigMaps about once a minute.
    eventually(lambda: status(namespace, "other") == 200, 150)
    assert status(namespace, "nightly") == 403
    assert namespace.get("pod", "mathops-0")["metadata"]["uid"] == before
