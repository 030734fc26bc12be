"""compose.yaml on a network with IPv4 and IPv6: start, use, failure of Redis and Kafka, restart.

The tests depend on their order.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.chart.rendering import objects, pod_specs, render
from tests.e2e.cluster import ROOT, bearer, results, run
from tests.e2e.events_page import consumer
from tests.support.server import eventually, free_port

pytestmark = pytest.mark.timeout(300)
PROJECT = "mathops-e2e"
PUBLISHED = ("MATHOPS", "PROMETHEUS", "KAFKA", "KEYCLOAK", "ALERTMANAGER")
PORTS = {f"{part}_PUBLISHED_PORT": str(free_port()) for part in PUBLISHED}
PROJECT_VARIABLES = {
    **PORTS,
    "COMPOSE_PROJECT_NAME": PROJECT,
    "COMPOSE_FILE": f"{ROOT / 'compose.yaml'}:{Path(__file__).with_name('ipv6_network.yaml')}",
}
PROFILES = ("--profile", "monitoring", "--profile", "identity")
URL = f"http://127.0.0.1:{PORTS['MATHOPS_PUBLISHED_PORT']}"


def compose(*arguments: str) -> str:
    command, environment = ["docker", "compose", *arguments], {**os.environ, **PROJECT_VARIABLES}
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    compose("up", "--detach", "--wait", "--no-build")
    with httpx2.Client(base_url=URL, timeout=30) as http_client:
        yield http_client
    compose(*PROFILES, "down", "--volumes")


def test_the_requests_of_the_readme_succeed(client: httpx2.Client) -> None:
    assert client.get("/pow?base=2&exp=5", headers=bearer(client)).json()["result"] == "32"


def test_redis_and_kafka_are_in_use(client: httpx2.Client) -> None:
    checks = client.get("/readyz").json()["checks"]
    assert {"cache", "kafka"} <= set(checks)
    assert eventually(lambda: client.get("/readyz").json()["checks"]["kafka"] == "ok", 60)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(("service", "port"), [("mathops", 5000), ("redis", 6379), ("kafka", 9092)])
def test_each_service_listens_on_ipv6(service: str, port: int) -> None:
    address = f"socket.getaddrinfo({service!r}, {port}, socket.AF_INET6)[0][4]"
    program = f"import socket; socket.socket(socket.AF_INET6).connect({address})"
    compose("exec", "--no-TTY", "mathops", "python", "-c", program)


def test_the_documented_consumer_counts_requests_over_its_restarts(client: httpx2.Client, tmp_path: Path) -> None:
    script = consumer("docker compose exec", tmp_path / "counts.db")
    # The test has its own project and ports, and its services run already.
    script = script.replace("docker compose up --detach --wait\n", "")
    script += f" --brokers localhost:{PORTS['KAFKA_PUBLISHED_PORT']}"

    def last_counts() -> str:
        variables = "\n".join(f"export {name}={value}" for name, value in PROJECT_VARIABLES.items())
        return run("sh", "-euc", f"cd {ROOT}\n{variables}\n{script}").splitlines()[-1]

    for number in (1, 2):
        client.get(f"/pow?base={number}&exp=9", headers=bearer(client, "carol"))
        assert f"'carol': {number}" in last_counts()


def test_requests_succeed_while_redis_and_kafka_are_down(client: httpx2.Client) -> None:
    compose("kill", "redis", "kafka")
    assert client.get("/pow?base=2&exp=6", headers=bearer(client)).json()["result"] == "64"
    compose("up", "--detach", "--wait", "--no-build")


def test_rows_and_random_passwords_survive_down_and_up(client: httpx2.Client) -> None:
    read = ["exec", "--no-TTY", "redis", "sh", "-c", "cd /run/secrets && cat redis_url && head -c 99 *_password"]
    passwords = compose(*read)
    assert len(set(re.findall(r"^[0-9a-f]{48}$", passwords, re.MULTILINE))) == 5
    compose("down")
    compose("up", "--detach", "--wait", "--no-build")
    assert compose(*read) == passwords
    assert {"32", "64"} <= set(eventually(lambda: results(client), 30))


def test_prometheus_scrapes_the_service_and_has_the_alerts(client: httpx2.Client) -> None:
    compose("--profile", "monitoring", "up", "--detach", "--no-build", "prometheus")
    with httpx2.Client(base_url=f"http://127.0.0.1:{PORTS['PROMETHEUS_PUBLISHED_PORT']}") as prometheus:

        def up() -> bool:
            try:
                response = prometheus.get("/api/v1/query", params={"query": 'up{job="mathops"}'})
            except httpx2.TransportError:
                return False
            # Prometheus returns 503 while it starts.
            found = response.json()["data"]["result"] if response.is_success else []
            return bool(found) and found[0]["value"][1] == "1"

        eventually(up, 60)
        assert prometheus.get("/api/v1/rules").json()["data"]["groups"][0]["name"] == "mathops"


@pytest.mark.usefixtures("client")
def test_the_recipe_for_keycloak_computes() -> None:
    page = (ROOT / "docs" / "issuers.md").read_text()
    found = re.search(r"```sh\n(export MATHOPS_ISSUERS_FILE=.*?)```\n+```json\n(.*?)```", page, re.DOTALL)
    assert found
    recipe = found[1].replace("localhost:8080", f"localhost:{PORTS['KEYCLOAK_PUBLISHED_PORT']}")
    recipe = recipe.replace("localhost:5000", f"localhost:{PORTS['MATHOPS_PUBLISHED_PORT']}")

    outcome = subprocess.run(
        ["sh", "-eu", "-c", recipe],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **PROJECT_VARIABLES},
    )

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == found[2].strip()


@pytest.mark.usefixtures("client")
def test_a_person_signs_in_through_that_keycloak() -> None:
    address = f"http://localhost:{PORTS['MATHOPS_PUBLISHED_PORT']}"
    password = compose("exec", "--no-TTY", "keycloak", "cat", "/run/secrets/alice_password")

    def published(url: str) -> str:
        return url.replace("localhost:8080", f"localhost:{PORTS['KEYCLOAK_PUBLISHED_PORT']}")

    with httpx2.Client(base_url=address, timeout=30) as browser:
        form = browser.get(published(browser.get("/sign-in/keycloak").headers["location"]))
        action = re.search(r'action="([^"]+)"', form.text)
        assert action, form.text
        # They are Secure; browsers, unlike this client, send them to localhost without TLS.
        cookies = "; ".join(cookie.partition(";")[0] for cookie in form.headers.get_list("set-cookie"))
        credentials = {"username": "alice", "password": password}
        sent = browser.post(published(unescape(action[1])), data=credentials, headers={"Cookie": cookies})
        assert browser.get(sent.headers["location"]).headers["location"] == f"{address}/"
        result = browser.get("/pow?base=2&exp=5", headers={"Sec-Fetch-Site": "same-origin"}).json()["result"]
        assert result == "32"


def test_the_settings_equal_those_of_the_chart() -> None:
    """Exceptions: the source of secrets, host names, a profile, and the shutdown delay, which only a cluster needs."""
    chart = _settings(_containers()["mathops"])
    environment = _services()["mathops"]["environment"].items()
    own = {name.removesuffix("_FILE"): value for name, value in environment if name.startswith("MATHOPS_")}
    differing = {"MATHOPS_ISSUERS", "MATHOPS_KEYS", "MATHOPS_KAFKA_BROKERS", "MATHOPS_SHUTDOWN_DELAY_SECONDS"}
    secret = {"MATHOPS_REDIS_URL", "MATHOPS_KAFKA_PASSWORD"}
    assert set(own) | differing == set(chart) | differing
    assert {name: own[name] for name in set(own) - differing - secret} == {
        name: chart[name] for name in set(chart) - differing - secret
    }


def test_the_kafka_settings_equal_those_of_the_chart() -> None:
    variables = {entry["name"]: entry.get("value") for entry in _containers()["kafka"]["env"]}
    own = dict(_services()["kafka"]["environment"])
    assert own.pop("BROKER_PASSWORD_FILE").startswith("/run/secrets/")
    own["BROKER_LOCAL_PORT"] = own["BROKER_LOCAL_PORT"].removeprefix("${KAFKA_PUBLISHED_PORT:-").removesuffix("}")
    assert {**own, "BROKER_HOST": "mathops-kafka", "BROKER_PASSWORD": None} == variables


@pytest.mark.parametrize("part", ["redis", "kafka"])
def test_images_and_limits_equal_those_of_the_chart(part: str) -> None:
    container, service = _containers()[part], _services()[part]
    assert container["image"].removeprefix("docker.io/").removeprefix("library/") == service["image"]
    assert container["resources"]["limits"]["memory"].rstrip("i") == service["deploy"]["resources"]["limits"]["memory"]


def _services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def _containers() -> dict[str, Any]:
    pods = pod_specs(objects(render("--show-only", "templates/statefulset.yaml")))
    pods += pod_specs(objects(render("--show-only", "templates/redis/statefulset.yaml")))
    pods += pod_specs(objects(render("--show-only", "templates/kafka/statefulset.yaml")))
    return {container["name"]: container for pod in pods for container in pod["containers"]}


def _settings(container: dict[str, Any]) -> dict[str, Any]:
    return {
        entry["name"].removesuffix("_FILE"): entry.get("value")
        for entry in container["env"]
        if entry["name"].startswith("MATHOPS_")
    }


def test_the_file_is_valid_for_compose() -> None:
    run("docker", "compose", "--file", str(ROOT / "compose.yaml"), *PROFILES, "config", "--quiet")


def test_the_images_of_the_exporters_equal_those_of_the_chart() -> None:
    enabled = ["--set", "redis.exporter.enabled=true,kafka.exporter.enabled=true"]
    images = {
        container["image"].removeprefix("docker.io/")
        for pod in pod_specs(objects(render(*enabled)))
        for container in pod["containers"]
        if container["name"] == "exporter"
    }

    assert images == {_services()[name]["image"] for name in ("redis-exporter", "kafka-exporter")}
