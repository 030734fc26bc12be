"""A real Prometheus, managed by the Prometheus Operator, scrapes an installed release."""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.e2e.cluster import CHART, ROOT, Namespace, bearer, kubectl
from tests.support.server import eventually

pytestmark = pytest.mark.timeout(600)

# The release has no exporters.
DASHBOARDS = sorted(path for path in (CHART / "dashboards").glob("*.json") if path.stem != "backing-services")
VALUES = {
    "redis": {"enabled": False},
    "kafka": {"enabled": False},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
}


class Prometheus:
    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def get(self, path: str, **parameters: str) -> Any:
        return self._client.get(f"/api/v1/{path}", params=parameters).json()["data"]

    def query(self, expression: str) -> list[Any]:
        response = self._client.get("/api/v1/query", params={"query": expression}).json()
        assert response["status"] == "success", (expression, response)
        found: list[Any] = response["data"]["result"]
        return found

    def number(self, expression: str) -> float:
        return float(self.query(expression)[0]["value"][1])


@pytest.fixture(scope="module")
def prometheus(namespace: Namespace) -> Iterator[Prometheus]:
    kubectl("apply", "--server-side", "--filename", os.environ["PROMETHEUS_OPERATOR_MANIFEST"])
    kubectl("wait", "--for=condition=established", "crd/prometheuses.monitoring.coreos.com", "--timeout=1m")
    kubectl("rollout", "status", "deployment/prometheus-operator", "--timeout=3m")
    kubectl("apply", "--filename", str(ROOT / "k8s" / "prometheus.yaml"))
    namespace.upgrade("mathops", VALUES)
    monitoring = Namespace.__new__(Namespace)
    monitoring.name = "monitoring"
    monitoring.kubectl("wait", "--for=condition=Available", "prometheus/prometheus", "--timeout=3m")
    with monitoring.client("pod/prometheus-prometheus-0", 9090) as client:
        yield Prometheus(client)


@pytest.fixture(scope="module")
def traffic(namespace: Namespace, prometheus: Prometheus) -> None:
    """Send requests of every kind during more than two scrapes."""
    with namespace.client() as client:
        token = bearer(client)
        before = _scrapes(prometheus)
        number = 0

        def enough() -> bool:
            nonlocal number
            number += 1
            for path in (
                "/pow?base=2&exp=5",
                f"/factorial?n={3000 + number}",
                "/fibonacci?n=-1",
                f"/fibonacci?n={number}",
            ):
                client.get(path, headers=token)
            client.get("/pow?base=2&exp=5")
            return _scrapes(prometheus) >= before + 4

        eventually(enough, 120)


def _scrapes(prometheus: Prometheus) -> int:
    """Number of scrapes of the service."""
    found = prometheus.query('count_over_time(up{namespace="e2e-monitoring"}[10m])')
    return int(found[0]["value"][1]) if found else 0


def test_the_service_is_an_active_target(prometheus: Prometheus) -> None:
    eventually(lambda: prometheus.query('up{namespace="e2e-monitoring", job="mathops"} == 1'), 120)
    assert len(prometheus.query('up{namespace="e2e-monitoring"}')) == 1


def test_the_request_counter_increases(namespace: Namespace, prometheus: Prometheus) -> None:
    expression = 'sum(http_requests_total{namespace="e2e-monitoring", route="/pow", status="200"}) or vector(0)'
    eventually(lambda: _scrapes(prometheus), 120)
    before = prometheus.number(expression)
    with namespace.client() as client:
        token = bearer(client)
        for _ in range(7):
            client.get("/pow?base=2&exp=5", headers=token)
    eventually(lambda: prometheus.number(expression) == before + 7, 60)


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_of_a_dashboard_has_data(path: Any, prometheus: Prometheus) -> None:
    board = json.loads(path.read_text())
    queries = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]
    assert queries
    # A mark is at the time of the deployment only.
    queries += [(mark["name"], f"last_over_time(({mark['expr']})[30m:15s])") for mark in board["annotations"]["list"]]
    filled = {"$__rate_interval": "1m", "$namespace": "e2e-monitoring", "$job": ".*", "$instance": ".*"}
    empty = []
    for title, query in queries:
        expression = query
        for variable, value in filled.items():
            expression = expression.replace(variable, value)
        if not prometheus.query(expression):
            empty.append(title)
    assert empty == []


def test_all_alerts_are_loaded_without_errors(prometheus: Prometheus) -> None:
    def loaded() -> list[Any]:
        groups = prometheus.get("rules")["groups"]
        return [rule for group in groups if group["name"].startswith("mathops") for rule in group["rules"]]

    rules = eventually(lambda: loaded() and all(rule["health"] == "ok" for rule in loaded()) and loaded(), 120)
    assert {rule["name"] for rule in rules} >= {"MathopsAvailabilityBudgetBurnsFast", "MathopsJournalUnavailable"}


def test_each_dashboard_has_the_label_that_grafanas_sidecar_selects(namespace: Namespace) -> None:
    found = namespace.get("configmaps", "--selector", "grafana_dashboard=1")["items"]
    texts = [text for item in found for text in item["data"].values()]
    assert sorted(json.loads(text)["uid"].rpartition("-")[0] for text in texts) == sorted(
        json.loads(path.read_text())["uid"] for path in DASHBOARDS
    )
