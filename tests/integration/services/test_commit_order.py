"""Replicas that commit to one PostgreSQL database at the same time."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from mathops.errors import JournalUnavailable
from mathops.journal.database import commit_order, schema
from mathops.journal.database.engine import Database, WriteEngine, database_of
from mathops.journal.outbox import DatabaseOutbox
from mathops.journal.reader import Reader
from mathops.journal.revocations import DatabaseRevocations
from mathops.journal.rows import Writer
from mathops.models import HistoryQuery
from tests.integration.services.containers import Container
from tests.integration.services.postgres import database_url
from tests.support.records import json_lines, make_record

WRITERS, COMMITS = 4, 60


@pytest.fixture
def name() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def database(postgres_container: Container, name: str) -> Database:
    url = database_url(postgres_container, name)
    schema.upgrade(url)
    return database_of(url)


@pytest.fixture
def outbox(database: Database) -> Iterator[DatabaseOutbox]:
    with closing(DatabaseOutbox(database, "relay@host")) as outbox:
        yield outbox


@contextmanager
def open_transaction(database: Database) -> Iterator[str]:
    """A replica that has inserted a row and commits it at the end; yields the id."""
    record = make_record()
    with closing(WriteEngine(database)) as engine, engine.driver_transaction() as cursor:
        database.inserts(engine.dialect).insert(cursor, json_lines(record))
        yield record.id


def commit(database: Database, pause: float = 0) -> str:
    record = make_record()
    with closing(Writer(database)) as writer:
        writer.commit(json_lines(record), before_commit=lambda _: time.sleep(pause))
    return record.id


def published(outbox: DatabaseOutbox, position: int = 0) -> list[str]:
    return [row.record.id for row in outbox.fetch_after(position, 1000)]


def followed(database: Database) -> list[str]:
    with closing(Reader(database)) as reader:
        return [record.id for _, record in reader.all_users(HistoryQuery(limit=1000, after=0)).rows][::-1]


def test_a_row_committed_before_an_earlier_one_waits_for_it(database: Database, outbox: DatabaseOutbox) -> None:
    with open_transaction(database) as first:
        second = commit(database)

        assert published(outbox) == []
        assert followed(database) == []
        with closing(Reader(database)) as reader:
            # Users see at once what they have stored.
            assert [record.id for _, record in reader.all_users(HistoryQuery(limit=10)).rows] == [second]

    assert published(outbox) == [first, second]
    assert followed(database) == [first, second]


def test_a_transaction_that_begins_later_delays_nothing(
    database: Database, outbox: DatabaseOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_order, "_MAX_SECONDS", 10)
    first = commit(database)
    seen: list[str] = []
    reading = threading.Thread(target=lambda: seen.extend(published(outbox)))

    with ExitStack() as later:
        with open_transaction(database) as open_id:
            reading.start()
            reading.join(0.3)
            assert reading.is_alive()
            later.enter_context(open_transaction(database))
            later.enter_context(open_transaction(database))
        reading.join(5)
        assert not reading.is_alive()

    # The newest row that the relay saw was the first one.
    assert seen == [first]
    assert published(outbox, 1)[:1] == [open_id]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_rows_of_concurrent_replicas_are_read_once_and_in_order(
    postgres_container: Container, name: str, database: Database, outbox: DatabaseOutbox, isolation: str
) -> None:
    setting = f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{isolation}'"
    postgres_container.run("psql", "-U", "postgres", "-c", setting)
    stored: list[list[str]] = [[] for _ in range(WRITERS)]

    def store(ids: list[str], pause: float) -> None:
        with closing(Writer(database)) as writer:
            for _ in range(COMMITS):
                record = make_record()
                writer.commit(json_lines(record), before_commit=lambda _: time.sleep(pause))
                ids.append(record.id)

    threads = [threading.Thread(target=store, args=(ids, number / 1000)) for number, ids in enumerate(stored)]
    for thread in threads:
        thread.start()
    events: list[str] = []
    position = 0
    while any(thread.is_alive() for thread in threads) or outbox.fetch_after(position, 1):
        for row in outbox.fetch_after(position, 50):
            events.append(row.record.id)
            position = row.seq

    assert len(events) == WRITERS * COMMITS
    for ids in stored:
        assert [event for event in events if event in set(ids)] == ids


def test_a_relay_of_an_earlier_release_gets_one_commit_at_a_time(database: Database) -> None:
    with closing(DatabaseOutbox(database, "host:1:0123456789ab")) as earlier:
        assert earlier.acquire_lease() == 0
        with open_transaction(database):
            other = threading.Thread(target=commit, args=(database,))
            other.start()
            other.join(0.3)
            assert other.is_alive()

        other.join(5)
        assert not other.is_alive()


def test_a_hung_replica_ends_by_the_limits_of_the_server(
    database: Database, outbox: DatabaseOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_order, "_MAX_SECONDS", 0.1)

    def hang() -> None:
        with pytest.raises(Exception, match="idle-in-transaction"), open_transaction(database):
            time.sleep(7)

    hung = threading.Thread(target=hang)
    hung.start()
    time.sleep(0.5)
    second = commit(database)

    assert published(outbox) == []
    hung.join()
    assert published(outbox) == [second]


@pytest.mark.anyio
async def test_revocations_are_committed_one_at_a_time(database: Database) -> None:
    impatient = f"SET LOCAL lock_timeout = '100ms'; {commit_order.EXCLUSIVE}"
    async with DatabaseRevocations(database).running() as revocations:
        with closing(WriteEngine(database)) as engine, engine.transaction():
            database.begin_exclusive = impatient
            with pytest.raises(JournalUnavailable):
                await revocations.revoke("token", int(time.time()) + 60)
        await revocations.revoke("token", int(time.time()) + 60)
        assert revocations.revoked("token")
