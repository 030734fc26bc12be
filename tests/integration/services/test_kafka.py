"""The relay with a real broker: no failure loses or reorders events; duplicates have the same id."""

import ast
import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from argon2 import PasswordHasher

from mathops.schemas import event_schema
from tests.integration.services.kafka import Event, Kafka, drained
from tests.support.proxy import FaultProxy, Mode
from tests.support.server import Server, eventually, interruptible

Start = Callable[..., Server]
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def start(start_server: Start, kafka: Kafka, topic: str) -> Start:
    def start(**variables: str) -> Server:
        return start_server(MATHOPS_KAFKA_BROKERS=kafka.brokers, MATHOPS_KAFKA_TOPIC=topic, **variables)

    return start


def send_requests(server: Server, numbers: range, users: tuple[str, ...] = ("alice", "bob")) -> None:
    tokens = [server.login(user) for user in users]
    for number in numbers:
        answer = server.client.get(f"/pow?base={number}&exp=2", headers=tokens[number % len(tokens)])
        assert answer.status_code == 200, answer.text


def check_complete(server: Server, events: list[Event]) -> None:
    """Every row was published, in journal order for each user, after removal of duplicates by id."""
    seen: set[str] = set()
    by_user: dict[str, list[str]] = defaultdict(list)
    for event in events:
        value = json.loads(event.value)
        if value["id"] not in seen:
            seen.add(value["id"])
            by_user[value["user"]].append(value["id"])
    expected: dict[str, list[str]] = defaultdict(list)
    for user, event_id in server.rows("user, id"):
        expected[user].append(event_id)
    assert by_user == expected


def test_value_row_and_log_line_are_the_same_and_valid(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    send_requests(server, range(5))
    token = server.login("carol")
    server.client.get("/pow?base=2&exp=-1", headers=token)
    server.client.get("/fibonacci?n=300000", headers={**token, "Accept": "text/plain"})
    server.client.get("/factorial?n=3")
    drained(server)

    values = {event.value for event in kafka.events(topic)}

    lines = (server.folder / "data" / "requests.log").read_bytes().splitlines()
    assert values == set(lines)
    columns = list(event_schema()["properties"])
    rows = {}
    for row in server.rows(", ".join(f'"{column}"' for column in columns)):
        record = dict(zip(columns, row, strict=True))
        rows[record["id"]] = {**record, "parameters": json.loads(record["parameters"])}
    for value in map(json.loads, values):
        jsonschema.validate(value, event_schema(), format_checker=jsonschema.FormatChecker())
        assert value == rows[value["id"]]


def test_the_key_is_the_user_and_a_header_holds_the_version(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    send_requests(server, range(6))
    server.client.get("/factorial?n=3")
    drained(server)

    events = kafka.events(topic)

    assert {(event.key, json.loads(event.value)["user"]) for event in events} == {
        (b"alice", "alice"),
        (b"bob", "bob"),
        (None, None),
    }
    assert all(event.headers["schema-version"] == b"2" for event in events)
    check_complete(server, events)
    assert len(events) == len({event.value for event in events})
    eventually(lambda: server.metric("mathops_events_published_total") == len(events))
    assert server.client.get("/readyz").json()["checks"]["kafka"] == "ok"


def test_a_broker_that_fails_without_requests_is_reported(start: Start, kafka: Kafka) -> None:
    server = start()
    eventually(lambda: server.client.get("/readyz").json()["checks"]["kafka"] == "ok", 30)

    kafka.proxy.set("refuse")
    kafka.proxy.cut()

    eventually(lambda: server.client.get("/readyz").json()["checks"]["kafka"] == "unavailable", 30)
    kafka.proxy.set("pass")
    eventually(lambda: server.client.get("/readyz").json()["status"] == "ready", 60)


def relay_errors(server: Server) -> list[str]:
    lines = map(json.loads, server.log.read_text().splitlines())
    return [line["error"] for line in lines if line["event"] == "relay failed"]


@pytest.mark.parametrize("failure", ["refuse", "hang"])
@pytest.mark.parametrize("users", [True, False], ids=["users", "demo"])
def test_an_advertised_address_that_cannot_be_reached_is_named(
    start_server: Start, kafka: Kafka, topic: str, tmp_path: Path, failure: Mode, *, users: bool
) -> None:
    kafka.make_topic(topic)
    (tmp_path / "users").write_text(f"alice:{PasswordHasher().hash('word')}:math\n")
    with FaultProxy(kafka.proxy.target) as bootstrap:
        kafka.proxy.set(failure)
        server = start_server(
            MATHOPS_KAFKA_BROKERS=f"127.0.0.1:{bootstrap.port}",
            MATHOPS_KAFKA_TOPIC=topic,
            MATHOPS_USERS_FILE=str(tmp_path / "users") if users else "",
        )

        first = eventually(lambda: relay_errors(server), 60)[0]

        assert first.startswith(f"{kafka.brokers} (advertised by a broker): ")
        assert server.client.get("/readyz").json()["checks"]["kafka"] == "unavailable"
        kafka.proxy.set("pass")
        eventually(lambda: server.client.get("/readyz").json()["status"] == "ready", 60)


@pytest.mark.parametrize("failure", ["refuse", "hang"])
def test_a_broker_that_fails_while_events_are_published_is_named(
    start: Start, kafka: Kafka, topic: str, failure: Mode
) -> None:
    server = start()
    send_requests(server, range(2))
    drained(server)

    kafka.proxy.set(failure)
    send_requests(server, range(2))

    assert eventually(lambda: relay_errors(server), 60)[0].startswith(f"{kafka.brokers}: ")
    kafka.proxy.set("pass")
    kafka.proxy.cut()
    drained(server, 120)


def test_events_with_a_clock_that_the_broker_rejects_wait_until_it_accepts_them(
    start: Start, kafka: Kafka, topic: str
) -> None:
    # Every timestamp is too old.
    kafka.make_topic(topic, configuration={"message.timestamp.before.max.ms": "0"})
    server = start()
    send_requests(server, range(3))

    eventually(lambda: server.metric("mathops_event_publish_failures_total") >= 2, 30)
    kafka.configure(topic, {"message.timestamp.before.max.ms": str(2**62)})
    drained(server)

    assert server.metric("mathops_event_dead_letters_total") == 0
    check_complete(server, kafka.events(topic))


def test_a_missing_topic_is_reported_until_it_exists(
    start_server: Start, kafka: Kafka, topic: str, tmp_path: Path
) -> None:
    # The demo creates a missing topic.
    (tmp_path / "users").write_text(f"alice:{PasswordHasher().hash('word')}:math\n")
    variables = {"MATHOPS_KAFKA_BROKERS": kafka.brokers, "MATHOPS_KAFKA_TOPIC": topic}
    server = start_server(MATHOPS_USERS_FILE=str(tmp_path / "users"), **variables)

    eventually(lambda: server.client.get("/readyz").json()["checks"]["kafka"] == "unavailable", 30)
    kafka.make_topic(topic)

    eventually(lambda: server.client.get("/readyz").json()["status"] == "ready", 60)


@pytest.mark.parametrize("failure", ["refuse", "hang"])
def test_without_a_broker_at_the_start_requests_succeed_and_events_follow_later(
    start: Start, kafka: Kafka, topic: str, failure: Mode
) -> None:
    kafka.proxy.set(failure)
    server = start()
    send_requests(server, range(20))
    eventually(lambda: server.client.get("/readyz").json()["status"] == "degraded", 30)
    assert server.client.get("/readyz").status_code == 200
    eventually(lambda: server.metric("mathops_outbox_pending_rows") == 20)

    kafka.proxy.set("pass")
    kafka.proxy.cut()

    drained(server)
    check_complete(server, kafka.events(topic))
    eventually(lambda: server.client.get("/readyz").json()["status"] == "ready")


@pytest.mark.parametrize("failure", ["refuse", "hang", "pause", "restart"])
def test_an_outage_of_the_broker_loses_and_reorders_nothing(
    start: Start, kafka: Kafka, topic: str, failure: str
) -> None:
    server = start()
    send_requests(server, range(20))
    drained(server)

    if failure == "pause":
        kafka.container.pause()
    elif failure == "restart":
        kafka.container.restart()
    else:
        kafka.proxy.set(cast("Mode", failure))
    send_requests(server, range(20, 120))
    if failure == "pause":
        kafka.container.unpause()
    elif failure != "restart":
        eventually(lambda: server.metric("mathops_event_publish_failures_total") > 0, 60)
        kafka.proxy.set("pass")
        kafka.proxy.cut()
    send_requests(server, range(120, 140))

    drained(server, 120)
    check_complete(server, kafka.events(topic))


def test_repeatedly_cut_connections_lose_and_reorder_nothing(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    for turn in range(10):
        send_requests(server, range(turn * 20, turn * 20 + 20))
        kafka.proxy.cut()

    drained(server, 120)
    check_complete(server, kafka.events(topic))


def test_after_a_kill_the_next_start_publishes_the_remaining_rows(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    kafka.proxy.set("refuse")
    send_requests(server, range(30))
    server.kill()
    kafka.proxy.set("pass")

    again = Server(server.folder, server.variables)
    try:
        again.start()
        send_requests(again, range(30, 40))
        drained(again)
        check_complete(again, kafka.events(topic))
    finally:
        again.kill()


def test_a_rejected_message_becomes_a_dead_letter_and_the_others_are_published(
    start: Start, kafka: Kafka, topic: str
) -> None:
    kafka.make_topic(topic, configuration={"max.message.bytes": "600"})
    server = start()
    token = server.login("alice")
    for numbers in ("base=2&exp=3", "base=3&exp=2000", "base=2&exp=4", "base=7&exp=1000", "base=2&exp=5"):
        assert server.client.get(f"/pow?{numbers}", headers=token).status_code == 200
    drained(server)

    published = [json.loads(event.value)["parameters"] for event in kafka.events(topic)]

    unique = [parameters for place, parameters in enumerate(published) if parameters not in published[:place]]
    assert unique == [{"base": "2", "exp": exp} for exp in ("3", "4", "5")]
    assert len(json.loads(server.run("events", "dead-letters", "--json").stdout)["events"]) == 2
    eventually(lambda: server.metric("mathops_event_dead_letters_total") == 2)


def test_several_web_workers_publish_through_one_relay(start: Start, kafka: Kafka, topic: str) -> None:
    server = start(MATHOPS_WORKERS="2")
    send_requests(server, range(60))
    drained(server)

    events = kafka.events(topic)

    check_complete(server, events)
    assert len(events) == len({event.value for event in events})


def test_retention_keeps_unpublished_rows(start: Start, kafka: Kafka, topic: str) -> None:
    kafka.proxy.set("refuse")
    server = start(MATHOPS_RETENTION_ROWS="5")
    send_requests(server, range(30))
    eventually(lambda: server.metric("mathops_outbox_pending_rows") == 30)
    assert len(server.rows()) == 30

    kafka.proxy.set("pass")

    drained(server)
    eventually(lambda: len(server.rows()) == 5, 20)
    assert len(kafka.events(topic)) == 30


def test_outside_the_demo_the_topic_is_not_created(start: Start, kafka: Kafka, topic: str, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"alice:{PasswordHasher(1, 8, 1).hash('secret')}:math\n")
    server = start(MATHOPS_USERS_FILE=str(users))
    answer = server.client.post("/login", json={"user": "alice", "password": "secret"})
    token = {"Authorization": f"Bearer {answer.json()['token']}"}

    assert server.client.get("/pow?base=2&exp=5", headers=token).status_code == 200

    eventually(lambda: server.client.get("/readyz").json()["status"] == "degraded", 30)
    assert topic not in kafka.topics()


def test_the_example_consumer_counts_each_request_once_over_restarts(
    start: Start, kafka: Kafka, topic: str, tmp_path: Path
) -> None:
    server = start()
    options = ["--brokers", kafka.brokers, "--topic", topic, "--state", str(tmp_path / "counts.db"), "--seconds", "8"]

    def last_counts(group: str) -> object:
        program = [sys.executable, "examples/consumer.py", *options, "--group", group]
        lines = subprocess.run(program, capture_output=True, text=True, timeout=90, check=True).stdout.splitlines()
        return ast.literal_eval(lines[-1])

    send_requests(server, range(5))
    drained(server)
    assert last_counts(topic) == {"alice": 3, "bob": 2}
    assert server.run("events", "replay", "--since", "2026-01-01").returncode == 0
    send_requests(server, range(5, 7))
    drained(server)
    assert last_counts(topic) == {"alice": 4, "bob": 3}
    # A new group reads from the start, as after lost positions.
    assert last_counts(f"{topic}-again") == {"alice": 4, "bob": 3}


def test_events_are_as_the_asyncapi_document_describes_them(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    send_requests(server, range(4))
    server.client.get("/fact?n=-1", headers=server.login())
    server.client.get("/fib?n=5", headers={**server.login(), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    drained(server)

    document = server.client.get("/asyncapi.json").json()

    (channel,) = document["channels"].values()
    assert channel["address"] == topic
    (message,) = document["components"]["messages"].values()
    headers, payload = (jsonschema.Draft7Validator(message[part]) for part in ("headers", "payload"))
    events = kafka.events(topic)
    assert len(events) == 6
    for event in events:
        payload.validate(json.loads(event.value))
        headers.validate({name: value.decode() for name, value in event.headers.items()})


def test_published_events_can_be_published_again_and_followed(start: Start, kafka: Kafka, topic: str) -> None:
    server = start()
    send_requests(server, range(6))
    drained(server)

    replayed = server.run("events", "replay", "--since", "2026-01-01")

    assert replayed.stdout == "published 6 events again\n", replayed.stderr
    values = [event.value for event in kafka.events(topic)]
    assert len(values) == 12
    assert len(set(values)) == 6
    with subprocess.Popen(
        [sys.executable, "-m", "mathops", "events", "tail", "--from-start"],
        env=server.environment,
        stdout=subprocess.PIPE,
        preexec_fn=interruptible,  # noqa: PLW1509 - no threads here
    ) as tail:
        assert tail.stdout is not None
        lines = [tail.stdout.readline().rstrip(b"\n") for _ in values]
        tail.send_signal(signal.SIGINT)
        assert tail.wait(20) == 0
    assert sorted(lines) == sorted(values)
