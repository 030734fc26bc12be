"""The chart as its README installs it: rows in SQLite, Redis and Kafka beside it. The tests build on each other."""

import re
import shlex
from pathlib import Path

import pytest

from tests.e2e.cluster import CHART, OWN_IMAGE, ROOT, Namespace, bearer, results
from tests.support.server import eventually

pytestmark = pytest.mark.timeout(600)

README = (CHART / "README.md").read_text()
# Where nothing enforces network policies, as on the oldest of kind's nodes, they are only accepted.
PARTS = {"backup": {"enabled": True, "keep": 2}, "networkPolicy": {"enabled": True}}

# How many messages the topic has had, asked from within the service's pod.
COUNT = """
import asyncio, os
from aiokafka import AIOKafkaConsumer
async def count():
    consumer = AIOKafkaConsumer(
        "math-requests",
        bootstrap_servers=os.environ["MATHOPS_KAFKA_BROKERS"],
        security_protocol=os.environ["MATHOPS_KAFKA_SECURITY"].upper(),
        sasl_mechanism=os.environ["MATHOPS_KAFKA_SASL_MECHANISM"],
        sasl_plain_username=os.environ["MATHOPS_KAFKA_USERNAME"],
        sasl_plain_password=os.environ["MATHOPS_KAFKA_PASSWORD"],
    )
    await consumer.start()
    print(sum((await consumer.end_offsets(consumer.assignment())).values()))
    await consumer.stop()
asyncio.run(count())
"""


def _messages(namespace: Namespace) -> int:
    return int(namespace.kubectl("exec", "mathops-0", "--", "python", "-c", COUNT).split()[-1])


@pytest.fixture(scope="module", autouse=True)
def installed(namespace: Namespace) -> str:
    """By the one command of the chart's README."""
    found = re.search(r"^helm install (.*)$", README, re.MULTILINE)
    assert found
    arguments = [str(ROOT / word) if word == "charts/mathops" else word for word in shlex.split(found[1])]
    return namespace.helm("install", *arguments, values=OWN_IMAGE)


def test_the_one_command_leaves_every_pod_ready(namespace: Namespace) -> None:
    pods = namespace.get("pods")["items"]
    assert {pod["metadata"]["name"] for pod in pods} == {"mathops-0", "mathops-kafka-0", "mathops-redis-0"}
    assert all(status["ready"] for pod in pods for status in pod["status"]["containerStatuses"])


def test_the_notes_say_what_to_type_next(installed: str) -> None:
    assert "kubectl --namespace e2e-sqlite port-forward service/mathops 5000:5000" in installed


def test_its_own_tests_pass(namespace: Namespace) -> None:
    told = namespace.helm("test", "mathops", "--timeout", "3m")
    assert told.count("Succeeded") == 5, told


def test_every_helper_is_known_to_the_service(namespace: Namespace) -> None:
    with namespace.client() as client:
        assert set(client.get("/readyz").json()["checks"]) >= {"journal", "cache", "kafka"}


def test_rows_survive_the_pod(namespace: Namespace) -> None:
    with namespace.client() as client:
        client.get("/pow?base=3&exp=5", headers=bearer(client))
    namespace.kubectl("delete", "pod", "mathops-0", "--wait")
    namespace.kubectl("rollout", "status", "statefulset/mathops", "--timeout", "2m")
    with namespace.client() as client:
        assert "243" in results(client)


def test_messages_survive_kafkas_pod(namespace: Namespace) -> None:
    before = eventually(lambda: _messages(namespace), 60)
    namespace.kubectl("delete", "pod", "mathops-kafka-0", "--wait")
    namespace.kubectl("rollout", "status", "statefulset/mathops-kafka", "--timeout", "3m")
    assert eventually(lambda: _messages(namespace), 60) >= before


def test_an_upgrade_keeps_secrets_and_tokens(namespace: Namespace) -> None:
    before = namespace.secrets()
    with namespace.client() as client:
        token = bearer(client)

    namespace.upgrade("mathops", {**PARTS, "podAnnotations": {"example.com/again": "yes"}})

    assert namespace.secrets() == before
    assert set(before) == {"mathops-keys", "mathops-redis", "mathops-kafka"}
    with namespace.client() as client:
        assert client.get("/pow?base=2&exp=5", headers=token).json()["result"] == "32"


def test_a_copy_is_made_checked_and_can_be_read(namespace: Namespace) -> None:
    namespace.kubectl("create", "job", "now", "--from", "cronjob/mathops-backup")
    namespace.kubectl("wait", "--for=condition=complete", "job/now", "--timeout", "2m")
    copies = namespace.kubectl("exec", "mathops-0", "--", "ls", "/backups").split()
    assert len(copies) == 1
    code = f"""
import sqlite3
print(sqlite3.connect('file:/backups/{copies[0]}?mode=ro&immutable=1', uri=True)
      .execute("SELECT count(*) FROM requests WHERE result = '243'").fetchone()[0])
"""
    assert int(namespace.kubectl("exec", "mathops-0", "--", "python", "-c", code)) >= 1


def test_the_recipe_of_the_readme_puts_the_copy_back(namespace: Namespace, tmp_path: Path) -> None:
    found = re.search(r"^To restore a copy.*?^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found
    with namespace.client() as client:
        client.get("/pow?base=3&exp=7", headers=bearer(client))

    told = namespace.script(found[1], tmp_path)

    assert re.search(r"^integrity +ok\b", told, re.MULTILINE), told
    namespace.kubectl("rollout", "status", "statefulset/mathops", "--timeout", "2m")
    with namespace.client() as client:
        rows = results(client)
    assert "243" in rows
    assert "2187" not in rows


def test_an_upgrade_that_fails_is_mended_by_a_rollback(namespace: Namespace) -> None:
    with pytest.raises(AssertionError, match="UPGRADE FAILED"):
        namespace.helm(
            "upgrade", "mathops", str(CHART), "--wait", "--timeout", "20s",
            values={**OWN_IMAGE, **PARTS, "settings": {"text_digits": 1}},
        )  # fmt: skip

    namespace.helm("rollback", "mathops", "--wait", "--timeout", "2m")

    with namespace.client() as client:
        assert "243" in results(client)


def test_uninstalling_keeps_the_rows_for_the_next_installation(namespace: Namespace) -> None:
    namespace.helm("uninstall", "mathops", "--wait")
    assert namespace.claims() == {"data-mathops-0", "data-mathops-kafka-0", "mathops-backup"}

    namespace.upgrade("mathops", {"redis": {"enabled": False}, "kafka": {"enabled": False}})

    with namespace.client() as client:
        assert "243" in results(client)


def test_uninstalling_takes_the_rows_along_when_asked_to(namespace: Namespace) -> None:
    alone = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**alone, "persistence": {"keep": False}})
    namespace.helm("uninstall", "mathops", "--wait")
    eventually(lambda: "data-mathops-0" not in namespace.claims(), 60)
