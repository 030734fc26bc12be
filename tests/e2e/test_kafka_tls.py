"""The service, and `helm test`, with a broker that requires TLS and client certificates."""

from pathlib import Path

import pytest

from tests.e2e.cluster import Namespace, run

pytestmark = pytest.mark.timeout(300)

# An authority without the extension keyUsage: Python 3.13 rejects it by default.
CERTIFICATES = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=authority
printf 'subjectAltName=DNS:broker\n' >names
for name in broker client; do
  openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj /CN=$name
  openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -out $name.crt
done
cat broker.key broker.crt >broker.pem
"""
PROPERTIES = """
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
listeners=MUTUAL://:9092,CONTROLLER://localhost:9093,INTERNAL://localhost:9094
advertised.listeners=MUTUAL://broker:9092,INTERNAL://localhost:9094
listener.security.protocol.map=MUTUAL:SSL,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT
inter.broker.listener.name=INTERNAL
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=/broker/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=/broker/ca.crt
log.dirs=/tmp/log
offsets.topic.replication.factor=1
"""
START = """
/opt/kafka/bin/kafka-storage.sh format --config /broker/server.properties --cluster-id bWF0aG9wcy1vbi1rYWZrYQ
exec /opt/kafka/bin/kafka-server-start.sh /broker/server.properties
"""
BROKER = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "broker", "labels": {"app": "broker"}},
    "spec": {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "kafka",
                "image": "apache/kafka:4.3.1",
                "command": ["sh", "-euc", START],
                "env": [
                    {"name": "LOG_DIR", "value": "/tmp/logs"},
                    {"name": "KAFKA_HEAP_OPTS", "value": "-Xmx256m -Xms128m"},
                ],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "readinessProbe": {"tcpSocket": {"port": 9092}, "periodSeconds": 1},
                "volumeMounts": [{"name": "broker", "mountPath": "/broker"}],
            }
        ],
        "volumes": [{"name": "broker", "secret": {"secretName": "broker"}}],
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "broker"},
    "spec": {"selector": {"app": "broker"}, "ports": [{"port": 9092}]},
}


def test_helm_test_reads_events_from_a_broker_with_tls(namespace: Namespace, tmp_path: Path) -> None:
    run("sh", "-euc", f"cd {tmp_path}\n{CERTIFICATES}")
    (tmp_path / "server.properties").write_text(PROPERTIES)
    files = [f"--from-file={tmp_path / name}" for name in ("broker.pem", "ca.crt", "server.properties")]
    namespace.kubectl("create", "secret", "generic", "broker", *files)
    pair = [f"--cert={tmp_path / 'client.crt'}", f"--key={tmp_path / 'client.key'}"]
    namespace.kubectl("create", "secret", "tls", "client", *pair)
    namespace.apply(BROKER, SERVICE)
    broker = {
        "brokers": "broker:9092",
        "security": "ssl",
        "existingCaSecret": "broker",
        "existingCertificateSecret": "client",
    }
    values = {
        "redis": {"enabled": False},
        "kafka": {"enabled": False},
        "externalKafka": broker,
        # The removal of a namespace takes at least half of it.
        "terminationGracePeriodSeconds": 7,
        "shutdown": {"delaySeconds": 0, "timeoutSeconds": 2},
    }
    namespace.upgrade("mathops", values)
    namespace.kubectl("wait", "--for=condition=Ready", "pod/broker", "--timeout=1m")

    # The script of the checks is in a ConfigMap, which Helm counts as a test.
    checks = "name=mathops-test,name=mathops-test-events"
    output = namespace.helm("test", "mathops", "--timeout", "2m", "--filter", checks)

    assert output.count("Succeeded") == 2, output
