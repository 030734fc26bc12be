"""The chart as installed by its README: SQLite, Redis and Kafka. The tests depend on their order."""

import re
import shlex
from pathlib import Path

import pytest

from tests.e2e.cluster import CHART, OWN_IMAGE, ROOT, Namespace, bearer, results
from tests.e2e.events_page import consumer, documented
from tests.support.server import eventually

pytestmark = pytest.mark.timeout(600)

README = (CHART / "README.md").read_text()
# The network plugin of older kind nodes accepts network policies without enforcing them.
OPTIONS = {"backup": {"enabled": True, "keep": 2}, "networkPolicy": {"enabled": True}}

# Counts the messages of the topic from within the service pod.
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
    """Install with the command in the chart's README."""
    found = re.search(r"^helm install (.*)$", README, re.MULTILINE)
    assert found
    arguments = [str(ROOT / word) if word == "charts/mathops" else word for word in shlex.split(found[1])]
    return namespace.helm("install", *arguments, values=OWN_IMAGE)


def test_the_installation_makes_every_pod_ready(namespace: Namespace) -> None:
    pods = namespace.get("pods")["items"]
    assert {pod["metadata"]["name"] for pod in pods} == {"mathops-0", "mathops-kafka-0", "mathops-redis-0"}
    assert all(status["ready"] for pod in pods for status in pod["status"]["containerStatuses"])


def test_the_notes_show_the_next_command(installed: str) -> None:
    assert "kubectl --namespace e2e-sqlite port-forward service/mathops 5000:5000" in installed


def test_helm_test_passes(namespace: Namespace) -> None:
    output = namespace.helm("test", "mathops", "--timeout", "3m")
    assert output.count("Succeeded") == 5, output


def test_readyz_lists_every_backing_service(namespace: Namespace) -> None:
    with namespace.client() as client:
        assert set(client.get("/readyz").json()["checks"]) >= {"journal", "cache", "kafka"}


def test_rows_survive_the_pod(namespace: Namespace) -> None:
    with namespace.client() as client:
        client.get("/pow?base=3&exp=5", headers=bearer(client))
    namespace.kubectl("delete", "pod", "mathops-0", "--wait")
    namespace.kubectl("rollout", "status", "statefulset/mathops", "--timeout", "2m")
    with namespace.client() as client:
        assert "243" in results(client)


def test_the_documented_consumer_reads_events_through_a_forwarded_port(namespace: Namespace, tmp_path: Path) -> None:
    with namespace.client() as client:
        client.get("/pow?base=2&exp=9", headers=bearer(client, "carol"))
    forward, script = documented("port-forward"), consumer("kubectl get secret", tmp_path / "counts.db")

    output = namespace.script(f"{forward.rstrip()} >{tmp_path}/forward.log 2>&1 & sleep 3\n{script}\nkill $!", tmp_path)

    assert "'carol': 1" in output.splitlines()[-1]


def test_messages_survive_the_kafka_pod(namespace: Namespace) -> None:
    before = eventually(lambda: _messages(namespace), 60)
    namespace.kubectl("delete", "pod", "mathops-kafka-0", "--wait")
    namespace.kubectl("rollout", "status", "statefulset/mathops-kafka", "--timeout", "3m")
    assert eventually(lambda: _messages(namespace), 60) >= before


def test_an_upgrade_keeps_secrets_and_tokens(namespace: Namespace) -> None:
    before = namespace.secrets()
    with namespace.client() as client:
        token = bearer(client)

    namespace.upgrade("mathops", {**OPTIONS, "podAnnotations": {"example.com/again": "yes"}})

    assert namespace.secrets() == before
    assert set(before) == {"mathops-keys", "mathops-redis", "mathops-kafka"}
    with namespace.client() as client:
        assert client.get("/pow?base=2&exp=5", headers=token).json()["result"] == "32"


def test_a_backup_is_made_checked_and_readable(namespace: Namespace) -> None:
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


def test_the_procedure_of_the_readme_restores_the_backup(namespace: Namespace, tmp_path: Path) -> None:
    found = re.search(r"^To restore a copy.*?^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found
    with namespace.client() as client:
        client.get("/pow?base=3&exp=7", headers=bearer(client))

    output = namespace.script(found[1], tmp_path)

    assert re.search(r"^integrity +ok\b", output, re.MULTILINE), output
    namespace.kubectl("rollout", "status", "statefulset/mathops", "--timeout", "2m")
    with namespace.client() as client:
        rows = results(client)
    assert "243" in rows
    assert "2187" not in rows


def test_a_rollback_repairs_a_failed_upgrade(namespace: Namespace) -> None:
    with pytest.raises(AssertionError, match="UPGRADE FAILED"):
        namespace.helm(
            "upgrade", "mathops", str(CHART), "--wait", "--timeout", "20s",
            values={**OWN_IMAGE, **OPTIONS, "settings": {"text_digits": 1}},
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


def test_uninstalling_deletes_the_rows_if_keep_is_false(namespace: Namespace) -> None:
    alone = {"redis": {"enabled": False}, "kafka": {"enabled": False}}
    namespace.upgrade("mathops", {**alone, "persistence": {"keep": False}})
    namespace.helm("uninstall", "mathops", "--wait")
    eventually(lambda: "data-mathops-0" not in namespace.claims(), 60)
