"""curl and a real Prometheus read metrics that require a token."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.services.prometheus import Prometheus, prometheus
from tests.support.server import Server, eventually

pytestmark = pytest.mark.timeout(180)
SCRAPES = 3


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return Server(tmp_path, settings(tmp_path)).run("clients", "add", "prometheus", "--scope", "metrics").stdout.strip()


@pytest.fixture
def server(start_server: Callable[..., Server], tmp_path: Path, secret: str) -> Server:
    # Go's library replaces a token 10 s before its end, this one therefore before every scrape.
    return start_server(**settings(tmp_path), MATHOPS_TOKEN_LIFETIME_SECONDS="5")


def settings(folder: Path) -> dict[str, str]:
    return {"MATHOPS_CLIENTS_FILE": str(folder / "clients"), "MATHOPS_METRICS_SCOPE": "metrics"}


def documented(server: Server, secret: str) -> str:
    """The scrape configuration of the documentation."""
    found = re.search(r"```yaml\n(scrape_configs:.*?)```", Path("docs/operations.md").read_text(), re.DOTALL)
    assert found
    return found[1].replace("localhost:5000", f"127.0.0.1:{server.port}").replace("SECRET", secret)


@pytest.fixture(name="scraper")
def scraping_prometheus(server: Server, secret: str) -> Iterator[Prometheus]:
    """A Prometheus with that configuration, and a job without a token."""
    config = f"""\
global: {{scrape_interval: 1s}}
{documented(server, secret)}
  - job_name: no-token
    static_configs: [{{targets: ["127.0.0.1:{server.port}"]}}]
"""
    with prometheus(config) as started:
        yield started


def test_prometheus_fetches_tokens_and_scrapes(server: Server, scraper: Prometheus) -> None:
    eventually(lambda: len(scraper.by_job(f"count_over_time(up[1m]) >= {SCRAPES}")) == 2, 60)

    assert scraper.by_job("min_over_time(up[1m])") == {"mathops": 1, "no-token": 0}
    assert scraper.by_job("mathops_build_info") == {"mathops": 1}
    tokens = scraper.by_job('http_requests_total{route="/token",status="200"}')
    assert tokens["mathops"] >= SCRAPES
    targets = scraper.get("targets")["activeTargets"]
    errors = {target["labels"]["job"]: target["lastError"] for target in targets}
    assert errors == {"mathops": "", "no-token": "server returned HTTP status 401 Unauthorized"}


def curl(*arguments: str) -> Any:
    return subprocess.run(
        ["curl", "--silent", *arguments], capture_output=True, text=True, timeout=30, check=True
    ).stdout


def test_curl_fetches_a_token_and_the_metrics(server: Server, secret: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    form = ("-d", "grant_type=client_credentials", "-d", "scope=metrics", f"{url}/token")

    by_basic = json.loads(curl("-u", f"prometheus:{secret}", *form))["access_token"]
    by_form = json.loads(curl("-d", "client_id=prometheus", "-d", f"client_secret={secret}", *form))["access_token"]

    for token in (by_basic, by_form):
        assert "mathops_build_info" in curl("-H", f"Authorization: Bearer {token}", f"{url}/metrics")
    assert json.loads(curl(f"{url}/metrics"))["status"] == 401
    assert json.loads(curl("-u", "prometheus:wrong", *form))["error"] == "invalid_client"
    assert curl("-u", f"prometheus:{secret}", "-d", f"token={by_form}", f"{url}/revoke") == ""
    assert json.loads(curl("-H", f"Authorization: Bearer {by_form}", f"{url}/metrics"))["status"] == 401
