"""The relay on a real journal file and a broker made of a list."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from mathops.events.relay import Relay, message
from mathops.journal.database import Database
from mathops.journal.outbox import OutboxCursor
from mathops.journal.rows import Writer
from mathops.ports import Message, MessageRejected, RelayProgress
from mathops.telemetry.span_ids import of_append, of_publish
from tests.support.records import make_record
from tests.support.server import eventually

Started = Callable[..., Relay]


class ListBroker:
    """Keeps messages; `away` makes it fail, values with `unwanted` in them are refused."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away = False
        self.unwanted = b"none"

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["ListBroker"]:
        if self.away:
            raise ConnectionError("the broker is away")
        yield self

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.away:
            raise ConnectionError("the broker is away")
        if any(self.unwanted in message.value for message in messages):
            raise MessageRejected("too large")
        self.messages += messages

    def ids(self) -> list[str]:
        return [json.loads(message.value)["id"] for message in self.messages]


@pytest.fixture
def broker() -> ListBroker:
    return ListBroker()


@pytest.fixture
def start(url: str, broker: ListBroker) -> Iterator[Started]:
    relays: list[Relay] = []

    def start(owner: str = "one") -> Relay:
        relay = Relay(OutboxCursor(Database.from_url(url), owner), "math-requests", broker.connected)
        relays.append(relay)
        relay.start()
        return relay

    yield start
    for relay in relays:
        relay.stop(10)


def store(url: str, count: int) -> list[str]:
    records = [make_record() for _ in range(count)]
    Writer(Database.from_url(url)).commit(records, before_commit=lambda: None)
    return [record.id for record in records]


def test_rows_go_out_in_the_order_of_the_journal_and_are_counted(url: str, broker: ListBroker, start: Started) -> None:
    ids = store(url, 1200)

    relay = start()

    eventually(lambda: broker.ids() == ids)
    eventually(lambda: OutboxCursor(Database.from_url(url), "one").acquire_lease() == 1200)
    assert relay.progress() == RelayProgress(published=1200)
    assert relay.progress() == RelayProgress()


def test_while_the_broker_is_away_the_fault_is_told_and_afterwards_all_is_published(
    url: str, broker: ListBroker, start: Started
) -> None:
    broker.away = True
    ids = store(url, 3)
    relay = start()
    faults: list[RelayProgress] = []
    eventually(lambda: faults.append(relay.progress()) or faults[-1].failed)
    assert faults[-1].error == "the broker is away"

    broker.away = False

    eventually(lambda: broker.ids() == ids)
    eventually(lambda: relay.progress().error is None)


def test_a_refused_event_is_set_aside_and_those_around_it_go_out(url: str, broker: ListBroker, start: Started) -> None:
    ids = store(url, 5)
    broker.unwanted = ids[2].encode()

    relay = start()

    eventually(lambda: OutboxCursor(Database.from_url(url), "one").acquire_lease() == 5)
    assert broker.ids() == [event_id for event_id in ids if event_id != ids[2]]
    assert relay.progress() == RelayProgress(published=4, dead=1)


def test_only_the_relay_with_the_lease_publishes_and_another_goes_on_after_it(
    url: str, broker: ListBroker, start: Started
) -> None:
    first = start("one")
    ids = store(url, 3)
    eventually(lambda: broker.ids() == ids)

    assert OutboxCursor(Database.from_url(url), "two").acquire_lease() is None
    first.stop(10)

    assert OutboxCursor(Database.from_url(url), "two").acquire_lease() == 3


def test_a_relay_that_lost_its_lease_does_not_move_the_cursor(url: str) -> None:
    store(url, 3)
    lost, new = OutboxCursor(Database.from_url(url), "lost"), OutboxCursor(Database.from_url(url), "new")
    lost.acquire_lease()
    lost.release()
    new.acquire_lease()

    assert not lost.advance(3)
    assert new.acquire_lease() == 0


def test_the_key_is_the_user_and_the_value_the_record() -> None:
    record = make_record(user="alice", trace_id=None)

    event = message(record)

    assert event.key == b"alice"
    assert json.loads(event.value)["id"] == record.id
    assert dict(event.headers) == {"content-type": b"application/json", "schema-version": b"1"}
    assert message(make_record(user=None)).key is None


def test_a_traced_request_is_continued_by_its_event() -> None:
    record = make_record(trace_id="0af7651916cd43dd8448eb211c80319c")

    traceparent = dict(message(record).headers)["traceparent"].decode()

    assert traceparent == f"00-{record.trace_id}-{of_publish(record.id):016x}-00"
    assert of_publish(record.id) != of_append(record.id)
