"""A real Prometheus, in the network of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.integration.services.containers import PROMETHEUS, Container
from tests.support.server import free_port

_START = """printenv CONFIG >/tmp/config.yml
printenv RULES >/tmp/rules.yml
exec prometheus --config.file=/tmp/config.yml --storage.tsdb.path=/tmp/data "$@"
"""


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        return httpx2.get(f"{self.url}/api/v1/{path}", params=parameters).json()["data"]

    def by_job(self, expression: str) -> dict[str, float]:
        """The value of each job."""
        found = self.get("query", query=expression)["result"]
        return {series["metric"]["job"]: float(series["value"][1]) for series in found}

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"}


@contextmanager
def prometheus(config: str, rules: str = "groups: []") -> Iterator[Prometheus]:
    """`config` can name the file /tmp/rules.yml."""
    port = free_port()
    container = Container(
        PROMETHEUS,
        [],
        environment={"CONFIG": config, "RULES": rules},
        command=["-c", _START, "sh", f"--web.listen-address=127.0.0.1:{port}"],
        # The service listens on loopback only.
        options=["--network=host", "--entrypoint=sh"],
    )
    url = f"http://127.0.0.1:{port}"
    container.ready(lambda: httpx2.get(f"{url}/-/ready").is_success)
    try:
        yield Prometheus(url)
    finally:
        container.remove()
