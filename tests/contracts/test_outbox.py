"""Contract of ports.Outbox."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mathops.journal.database import schema
from mathops.journal.database.engine import database_of
from mathops.journal.outbox import DatabaseOutbox
from mathops.journal.rows import Writer
from mathops.models import Record
from mathops.ports import Outbox
from tests.support.records import json_lines, make_record
from tests.support.server import eventually


class OutboxJournal:
    """A journal, and outboxes that read it."""

    def __init__(self, url: str) -> None:
        schema.upgrade(url)
        self._database = database_of(url)
        self._opened: list[DatabaseOutbox] = []

    def open(self, owner: str) -> DatabaseOutbox:
        self._opened.append(DatabaseOutbox(self._database, owner))
        return self._opened[-1]

    def store(self, count: int) -> list[Record]:
        records = [make_record() for _ in range(count)]
        with closing(Writer(self._database)) as writer:
            writer.commit(json_lines(*records), before_commit=lambda _: None)
        return records

    def close(self) -> None:
        for outbox in self._opened:
            outbox.close()


def sqlite(folder: Path) -> OutboxJournal:
    return OutboxJournal(f"sqlite:///{folder / 'mathops.db'}")


PARTS: dict[str, Callable[[Path], OutboxJournal]] = {"sqlite": sqlite}


@pytest.fixture(params=PARTS)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OutboxJournal]:
    with closing(PARTS[request.param](tmp_path)) as opened:
        yield opened


def test_a_new_outbox_has_position_zero_and_no_rows(journal: OutboxJournal) -> None:
    outbox: Outbox = journal.open("one")

    assert outbox.acquire_lease() == 0
    assert outbox.fetch_after(0, 10) == []


def test_rows_come_in_journal_order_after_a_position_and_up_to_a_limit(journal: OutboxJournal) -> None:
    records = journal.store(5)
    outbox: Outbox = journal.open("one")

    first = outbox.fetch_after(0, 3)
    second = outbox.fetch_after(first[-1].seq, 3)

    assert [row.record for row in first + second] == records
    assert [len(first), len(second)] == [3, 2]


def test_the_position_is_kept_for_the_next_owner(journal: OutboxJournal) -> None:
    journal.store(3)
    outbox: Outbox = journal.open("one")
    outbox.acquire_lease()
    last = outbox.fetch_after(0, 10)[-1].seq

    assert outbox.advance(last)
    outbox.release()

    assert journal.open("two").acquire_lease() == last


def test_one_owner_holds_the_lease_and_may_renew_it(journal: OutboxJournal) -> None:
    one, two = journal.open("one"), journal.open("two")

    assert one.acquire_lease() == one.acquire_lease() == 0
    assert two.acquire_lease() is None
    one.release()
    assert two.acquire_lease() == 0


def test_a_lease_that_is_not_renewed_expires(journal: OutboxJournal) -> None:
    one, two = journal.open("one"), journal.open("two")
    one.lease_seconds = 0.5
    one.acquire_lease()
    assert two.acquire_lease() is None

    eventually(lambda: two.acquire_lease() == 0)

    one.lease_seconds = two.lease_seconds
    assert one.acquire_lease() is None


def test_a_lease_of_a_clock_that_was_ahead_is_free(journal: OutboxJournal) -> None:
    ahead, right = journal.open("ahead"), journal.open("right")
    ahead.lease_seconds = 3600
    ahead.acquire_lease()

    assert right.acquire_lease() == 0


def test_the_lease_does_not_depend_on_the_clock_of_its_owner(
    journal: OutboxJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = journal.open("one"), journal.open("two")
    one.acquire_lease()

    monkeypatch.setattr(time, "time", lambda: 4e9)

    assert two.acquire_lease() is None


def test_an_owner_without_the_lease_cannot_move_the_position(journal: OutboxJournal) -> None:
    journal.store(3)
    lost, new = journal.open("lost"), journal.open("new")
    lost.acquire_lease()
    lost.release()
    new.acquire_lease()

    assert not lost.advance(3)
    assert new.acquire_lease() == 0


def test_the_position_never_moves_back(journal: OutboxJournal) -> None:
    journal.store(3)
    outbox = journal.open("one")
    outbox.acquire_lease()
    outbox.advance(3)

    assert not outbox.advance(2)
    assert outbox.acquire_lease() == 3


def test_a_dead_letter_is_stored_once_with_its_reason(journal: OutboxJournal) -> None:
    journal.store(2)
    outbox = journal.open("one")
    outbox.acquire_lease()
    first, second = outbox.fetch_after(0, 10)

    assert outbox.advance(first.seq, [(first, "too large")])
    assert outbox.advance(second.seq, [(first, "still too large"), (second, "x" * 1000)])

    letters = [(seq, event_id, reason) for seq, event_id, _, reason in outbox.dead_letters()]
    assert letters == [(first.seq, first.record.id, "still too large"), (second.seq, second.record.id, "x" * 500)]


def test_a_lost_lease_stores_no_dead_letter(journal: OutboxJournal) -> None:
    journal.store(1)
    outbox = journal.open("one")
    (row,) = outbox.fetch_after(0, 10)

    assert not outbox.advance(row.seq, [(row, "too large")])
    assert outbox.dead_letters() == []
