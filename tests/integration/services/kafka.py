"""A real broker (KRaft), and what lies in its topics."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import trustme
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.integration.services import certificates
from tests.integration.services.containers import KAFKA, Container
from tests.support.proxy import FaultProxy
from tests.support.server import Server, eventually, free_port

# Its complaints about a broker that is not up yet.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

USER, PASSWORD = "mathops", "k4fka s3cret"

# By properties of our own, for builds of the image differ in what they make of the environment.
_START = f"""{certificates.WRITE}
printenv PROPERTIES >/tmp/server.properties
cat /tmp/tls/key.pem /tmp/tls/certificate.pem >/tmp/tls/broker.pem
[ -e /tmp/log ] || /opt/kafka/bin/kafka-storage.sh format --config /tmp/server.properties \\
  --cluster-id bWF0aG9wcy1vbi1rYWZrYQ --add-scram 'SCRAM-SHA-512=[name={USER},password="{PASSWORD}"]' || exit 1
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties
"""


class Event(NamedTuple):
    partition: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class Kafka:
    """A broker whose plain listener advertises the address of `proxy`.

    The listener `secure` requires user and password, `mutual` a certificate; both bypass the proxy.
    Anonymous clients may do everything, others everything without a rule in `acls`.
    """

    def __init__(self, authority: trustme.CA, *, proxied: bool = True) -> None:
        ports = {inside: free_port() for inside in (9092, 9094, 9095)}
        self.proxy = FaultProxy(("127.0.0.1", ports[9092]))
        self.brokers = f"{certificates.HOST}:{self.proxy.port if proxied else ports[9092]}"
        self.secure, self.mutual = f"{certificates.HOST}:{ports[9094]}", f"{certificates.HOST}:{ports[9095]}"
        environment = {
            **certificates.environment(authority),
            "PROPERTIES": self._properties(),
            "LOG_DIR": "/tmp/logs",
            "KAFKA_HEAP_OPTS": "-Xmx256m -Xms128m",
        }
        self.container = Container(
            KAFKA, list(ports), environment=environment, command=["sh", "-c", _START], fixed=ports
        )
        self.container.ready(lambda: self.topics() is not None, 90)

    def _properties(self) -> str:
        login = "org.apache.kafka.common.security"
        listeners = "PLAIN://:9092,SECURE://:9094,MUTUAL://:9095"
        advertised = f"PLAIN://{self.brokers},SECURE://{self.secure},MUTUAL://{self.mutual}"
        return f"""
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://localhost:9093
advertised.listeners={advertised}
listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.secure.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=/tmp/tls/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=/tmp/tls/authority.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
log.dirs=/tmp/log
auto.create.topics.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""

    def acls(self, *arguments: str) -> str:
        """What kafka-acls.sh does; a broker is asked at its address outside, so this asks the controller."""
        command = ("/opt/kafka/bin/kafka-run-class.sh", "org.apache.kafka.tools.AclCommand")
        return self.container.run(*command, "--bootstrap-controller", "localhost:9093", *arguments)

    def topics(self) -> list[str]:
        return asyncio.run(self._admin(lambda admin: admin.list_topics()))

    def make_topic(self, name: str, partitions: int = 3, configuration: dict[str, str] | None = None) -> str:
        topic = NewTopic(name, partitions, 1, topic_configs=configuration or {})
        asyncio.run(self._admin(lambda admin: admin.create_topics([topic])))
        return name

    def configure(self, topic: str, configuration: dict[str, str]) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=configuration)
        asyncio.run(self._admin(lambda admin: admin.alter_configs([resource])))

    async def _admin(self, ask: Callable[[AIOKafkaAdminClient], Any]) -> Any:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        async with asyncio.timeout(20):
            await admin.start()
            try:
                return await ask(admin)
            finally:
                await admin.close()

    def events(self, topic: str, seconds: float = 30) -> list[Event]:
        """All there is in a topic, in order within each partition, read within `seconds`."""
        return asyncio.run(self._events(topic, seconds))

    async def _events(self, topic: str, seconds: float) -> list[Event]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        found: list[Event] = []
        async with asyncio.timeout(seconds):
            await consumer.start()
            try:
                await consumer._client._wait_on_metadata(topic)
                partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
                consumer.assign(partitions)
                ends = await consumer.end_offsets(partitions)
                await consumer.seek_to_beginning(*partitions)
                while any([await consumer.position(place) < ends[place] for place in partitions]):
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [Event(r.partition, r.key, r.value, dict(r.headers)) for r in records]
            finally:
                await consumer.stop()
        return found

    def remove(self) -> None:
        self.container.remove()
        self.proxy.__exit__(None, None, None)


def drained(server: Server, seconds: float = 60) -> None:
    """Wait until the broker has every row of a journal in SQLite."""

    def empty() -> bool:
        with closing(sqlite3.connect(server.folder / "data" / "mathops.db")) as database:
            query = "SELECT (SELECT position FROM relay), max(seq) FROM requests"
            position, last = database.execute(query).fetchone()
        return bool(position == last)

    eventually(empty, seconds)
