"""The chart's alerts in a real Prometheus: they fire while a fault lasts, and clear after it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple

import httpx2
import pytest
import yaml

from tests.chaos.disk import MountError, full, small_disk
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka
from tests.integration.services.prometheus import Prometheus, prometheus
from tests.support.server import Server, eventually, running

pytestmark = pytest.mark.timeout(240)
ALERTS = Path(__file__).parents[3] / "charts" / "mathops" / "alerts" / "mathops.yaml"
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [/tmp/rules.yml]
scrape_configs: [{{job_name: mathops, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""


def shortened() -> str:
    """The rules with a second for each minute of their ranges and holds, and of the age of an event."""
    document = yaml.safe_load(ALERTS.read_text())
    for rule in document["groups"][0]["rules"]:
        rule["expr"] = re.sub(r"\[(\d+)m\]", r"[\1s]", rule["expr"])
        if rule["alert"] == "MathopsEventsDelayed":
            rule["expr"] = rule["expr"].replace("> 300", "> 5")
        if "for" in rule:
            rule["for"] = re.sub(r"m$", "s", rule["for"])
    text = yaml.safe_dump(document)
    assert not re.search(r"\d+m\b|300", text)
    return text


class Stack(NamedTuple):
    """A server, a Prometheus that scrapes it, and the disk of its data, if a disk can be mounted here."""

    server: Server
    prometheus: Prometheus
    disk: Path | None


@pytest.fixture(scope="module")
def stack(
    redis_container: Container, kafka_container: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("server")
    variables = {
        "MATHOPS_REDIS_URL": f"redis://127.0.0.1:{redis_container.port(6379)}/0",
        "MATHOPS_KAFKA_BROKERS": kafka_container.brokers,
        "MATHOPS_KAFKA_TOPIC": kafka_container.make_topic("firing-alerts"),
        "MATHOPS_COMPUTE_WORKERS": "1",
        "MATHOPS_QUOTA_UNAUTHENTICATED": "1000000/minute",
    }
    with ExitStack() as resources:
        disk = None
        with suppress(MountError):
            disk = resources.enter_context(small_disk(folder / "data", 1))
        server = resources.enter_context(running(folder, **variables))
        scraper = resources.enter_context(prometheus(CONFIG.format(port=server.port), shortened()))
        # The first scrape may come later than MathopsAbsent.
        eventually(lambda: scraper.by_job("mathops_build_info") and scraper.firing() == set(), 30)
        yield Stack(server, scraper, disk)


@contextmanager
def stopped(container: Container) -> Iterator[None]:
    container.stop()
    try:
        yield
    finally:
        container.start()


@contextmanager
def callers(server: Server, headers: dict[str, str], target: str, count: int) -> Iterator[None]:
    """Send requests from `count` threads; {n} in `target` is a new number each time."""
    end = Event()

    def send(first: int) -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=30) as client:
            for number in range(first, 10**9, count):
                if end.wait(0.05):
                    return
                with suppress(httpx2.TransportError):
                    client.get(target.format(n=number), headers={"Accept": "text/plain"})

    with ThreadPoolExecutor(count) as threads:
        sent = [threads.submit(send, first) for first in range(count)]
        try:
            yield
        finally:
            end.set()
            for future in sent:
                future.result()


def test_alerts_fire_while_dependencies_are_down_and_the_service_is_overused(
    stack: Stack, redis_container: Container, kafka_container: Kafka
) -> None:
    server, scraper, _ = stack
    token = server.login()

    with (
        callers(server, token, "/fact?n=30{n:04}", 4),
        callers(server, {"Authorization": "Bearer invalid"}, "/fact?n={n}", 4),
    ):
        with stopped(redis_container), stopped(kafka_container.container):
            eventually(lambda: scraper.firing() >= {"MathopsCircuitBreakerOpen", "MathopsEventsDelayed"}, 60)
        eventually(lambda: scraper.firing() >= {"MathopsPoolSaturated", "MathopsAuthenticationFailures"}, 60)

    eventually(lambda: scraper.firing() == set(), 60)


def test_an_alert_fires_while_the_disk_is_full(stack: Stack) -> None:
    server, scraper, disk = stack
    if disk is None:
        pytest.skip("a disk can be mounted by root on Linux only")
    token = server.login()

    with full(disk), callers(server, token, "/pow?base=3&exp={n}", 2):
        eventually(lambda: "MathopsJournalUnavailable" in scraper.firing(), 30)

    eventually(lambda: scraper.firing() == set(), 60)
