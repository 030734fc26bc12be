"""The relay on a real journal file and a fake broker."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from mathops import __version__
from mathops.events.messages import to_message
from mathops.events.relay import Relay
from mathops.journal.database.engine import database_of
from mathops.journal.outbox import DatabaseOutbox
from mathops.journal.rows import Writer
from mathops.models import Record
from mathops.ports import Message, RelayProgress
from mathops.telemetry.tracing import NO_TRACING, AnyTracing, Tracing
from tests.support.fakes import FakeBroker
from tests.support.records import json_lines, make_record
from tests.support.server import eventually

Started = Callable[..., Relay]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathops.events.relay._MIN_BACKOFF", 0.05)
    monkeypatch.setattr("mathops.events.relay._POLL_SECONDS", 0.01)
    monkeypatch.setattr("mathops.events.relay._GATHER_SECONDS", 0.005)


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def start(url: str, broker: FakeBroker) -> Iterator[Started]:
    relays: list[Relay] = []

    def start(owner: str = "one", tracing: AnyTracing = NO_TRACING) -> Relay:
        relay = Relay(DatabaseOutbox(database_of(url), owner), "math-requests", broker.open, tracing)
        relays.append(relay)
        relay.start()
        return relay

    yield start
    for relay in relays:
        relay.stop(10)


def store(url: str, *records: Record) -> list[str]:
    Writer(database_of(url)).commit(json_lines(*records), before_commit=lambda _: None)
    return [record.id for record in records]


def store_many(url: str, count: int) -> list[str]:
    return store(url, *(make_record() for _ in range(count)))


def ids(broker: FakeBroker) -> list[str]:
    return [json.loads(message.value)["id"] for message in broker.messages]


def test_rows_are_published_in_journal_order_and_counted(url: str, broker: FakeBroker, start: Started) -> None:
    stored = store_many(url, 1200)

    relay = start()

    eventually(lambda: ids(broker) == stored)
    eventually(lambda: DatabaseOutbox(database_of(url), "one").acquire_lease() == 1200)
    # The counts follow the position.
    relay.stop(10)
    assert relay.progress() == RelayProgress(published=1200)
    assert relay.progress() == RelayProgress()


def published_last(broker: FakeBroker, stored: list[str]) -> bool:
    return ids(broker)[-len(stored) :] == stored


def test_a_commit_wakes_the_relay(
    url: str, broker: FakeBroker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mathops.events.relay._POLL_SECONDS", 3600)
    relay = start()
    for _ in range(3):
        # The relay has read all rows and waits.
        eventually(lambda: relay._wake_up is not None)
        stored = store_many(url, 2)
        relay.wake()
        eventually(partial(published_last, broker, stored))


def test_the_error_is_reported_while_the_broker_is_unavailable_and_all_rows_are_published_afterwards(
    url: str, broker: FakeBroker, start: Started
) -> None:
    broker.available = False
    stored = store_many(url, 3)
    relay = start()
    reports: list[RelayProgress] = []

    def failed() -> bool:
        reports.append(relay.progress())
        return reports[-1].failed > 0

    eventually(failed)
    assert reports[-1].error == "the broker is unavailable"

    broker.available = True

    eventually(lambda: ids(broker) == stored)
    eventually(lambda: relay.progress().error is None)


def test_a_broker_that_fails_without_events_is_reported(
    url: str, broker: FakeBroker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mathops.events.relay._CHECK_SECONDS", 0.05)
    store(url, make_record())
    relay = start()
    eventually(lambda: broker.messages)

    broker.available = False

    eventually(lambda: relay.progress().error == "the broker is unavailable")


def test_a_broker_that_stores_nothing_is_reported_although_it_passes_checks(
    url: str, broker: FakeBroker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publish(_: Sequence[Message]) -> None:
        raise TimeoutError("too few replicas")

    monkeypatch.setattr(broker, "publish", publish)
    store(url, make_record())
    relay = start()
    eventually(lambda: relay.progress().failed)
    reports: list[RelayProgress] = []

    def failed_twice() -> bool:
        reports.append(relay.progress())
        return sum(report.failed for report in reports) >= 2

    eventually(failed_twice)
    assert {report.error for report in reports} == {"too few replicas"}


def test_a_relay_without_the_lease_reports_an_unavailable_broker(
    url: str, broker: FakeBroker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mathops.events.relay._STANDBY_SECONDS", 0.02)
    monkeypatch.setattr("mathops.events.relay._CHECK_SECONDS", 0.05)
    stored = store_many(url, 1)
    start("one")
    eventually(lambda: ids(broker) == stored)
    standby = start("two")

    broker.available = False

    eventually(lambda: standby.progress().error == "the broker is unavailable")
    broker.available = True
    eventually(lambda: standby.progress().error is None)
    assert ids(broker) == stored


def test_a_successful_send_resets_the_backoff(url: str, broker: FakeBroker, start: Started) -> None:
    broker.available = False
    store(url, make_record())
    with capture_logs() as events:
        start()
        eventually(lambda: len(events) == 2)
        broker.available = True
        eventually(lambda: broker.messages)
        broker.available = False
        store(url, make_record())
        eventually(lambda: len(events) == 3)

    assert [event["retry_in_seconds"] for event in events] == [0.05, 0.1, 0.05]


def test_a_rejected_event_becomes_a_dead_letter_and_the_others_are_published(
    url: str, broker: FakeBroker, start: Started
) -> None:
    stored = store_many(url, 5)
    broker.rejected = stored[2].encode()

    relay = start()

    eventually(lambda: DatabaseOutbox(database_of(url), "one").acquire_lease() == 5)
    # The counts follow the position.
    relay.stop(10)
    assert ids(broker) == [event_id for event_id in stored if event_id != stored[2]]
    assert relay.progress() == RelayProgress(published=4, dead=1)


def test_only_the_relay_with_the_lease_publishes_and_a_second_one_continues_after_it(
    url: str, broker: FakeBroker, start: Started
) -> None:
    first = start("one")
    stored = store_many(url, 3)
    eventually(lambda: ids(broker) == stored)

    assert DatabaseOutbox(database_of(url), "two").acquire_lease() is None
    first.stop(10)

    assert DatabaseOutbox(database_of(url), "two").acquire_lease() == 3


def test_batches_of_large_results_are_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathops.events.relay._BATCH_DIGITS", 1000)
    broker = FakeBroker()
    sizes: list[int] = []
    publish = broker.publish

    async def counted(messages: Sequence[Message]) -> None:
        sizes.append(len(messages))
        await publish(messages)

    broker.publish = counted  # type: ignore[method-assign]
    stored = store(url, *(make_record(result="1" * digits) for digits in (400, 400, 400, 5000, 1, 1)))

    relay = Relay(DatabaseOutbox(database_of(url), "one"), "math-requests", broker.open)
    relay.start()
    eventually(lambda: len(broker.messages) == 6)
    relay.stop(10)

    assert ids(broker) == stored
    assert sizes == [2, 1, 1, 2]


def test_a_broker_slower_than_the_lease_gets_each_row_once_from_one_of_two_relays(
    url: str, broker: FakeBroker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseOutbox, "lease_seconds", 0.3)
    monkeypatch.setattr("mathops.events.relay._STANDBY_SECONDS", 0.02)
    broker.seconds = 0.6
    stored = store_many(url, 3)

    relays = start("one"), start("two")

    eventually(lambda: broker.messages)
    for relay in relays:
        relay.stop(10)
    assert ids(broker) == stored
    assert sum(relay.progress().published for relay in relays) == 3


def test_the_key_is_the_user_and_the_value_is_the_record() -> None:
    record = make_record(user="alice")

    event = to_message(record, None)

    assert event.key == b"alice"
    assert json.loads(event.value)["id"] == record.id
    assert dict(event.headers) == {
        "content-type": b"application/json",
        "schema-version": b"2",
        "producer-version": __version__.encode(),
        "producer-instance": socket.gethostname().encode(),
    }
    assert to_message(make_record(user=None), None).key is None


def test_headers_carry_the_context_of_the_publish_spans(
    url: str, broker: FakeBroker, start: Started, tracing: Tracing, spans: InMemorySpanExporter
) -> None:
    store(url, *(make_record(traceparent=stored) for stored in (TRACEPARENT + "00", TRACEPARENT + "01", None)))

    relay = start(tracing=tracing)
    eventually(lambda: len(broker.messages) == 3)
    relay.stop(10)

    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    unsampled, sampled, untraced = (
        dict(message.headers).get("traceparent", b"").decode() for message in broker.messages
    )
    assert unsampled.startswith(TRACEPARENT[:36])
    assert unsampled.endswith("-00")
    assert sampled == f"{TRACEPARENT[:36]}{span.context.span_id:016x}-01"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert untraced == ""


def test_without_tracing_headers_carry_the_stored_context(url: str, broker: FakeBroker, start: Started) -> None:
    store(url, make_record(traceparent=TRACEPARENT + "01"))

    start()

    eventually(lambda: broker.messages)
    assert dict(broker.messages[0].headers)["traceparent"].decode() == TRACEPARENT + "01"
