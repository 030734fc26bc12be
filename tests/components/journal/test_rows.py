import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mathops.journal.database.engine import database_of
from mathops.journal.database.sqlite import SQLite, sqlite_module
from mathops.journal.reader import Reader
from mathops.journal.rows import OutboxStats, Writer
from mathops.models import HistoryQuery, Record, timestamp
from tests.support.records import json_lines, make_record


@pytest.fixture
def writer(url: str) -> Writer:
    return Writer(database_of(url))


def nothing(_: bytes) -> None:
    """There is no log here."""


def stored(url: str) -> list[str]:
    rows = Reader(database_of(url)).history("alice", HistoryQuery(limit=10_000)).rows
    return [record.id for _, record in reversed(rows)]


def aged(days: float) -> Record:
    return make_record(timestamp=timestamp((datetime.now(UTC) - timedelta(days=days)).timestamp()))


def all_batches(delete_expired: Callable[[float, int], int], days: float, rows: int) -> list[int]:
    batches = []
    while deleted := delete_expired(days, rows):
        batches.append(deleted)
    return batches


def test_when_the_log_fails_nothing_is_stored_and_the_next_commit_works(writer: Writer, url: str) -> None:
    refused, accepted = make_record(), make_record()

    def fail(_: bytes) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        writer.commit(json_lines(refused), before_commit=fail)
    writer.commit(json_lines(accepted), before_commit=nothing)

    assert stored(url) == [accepted.id]


def test_a_database_locked_by_another_process_is_an_error_after_the_busy_timeout_and_works_later(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "mathops.db"
    writer = Writer(SQLite(path, busy_seconds=0.1))
    other = sqlite_module().connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite_module().OperationalError, match="locked"):
        writer.commit(json_lines(make_record()), before_commit=nothing)
    other.execute("ROLLBACK")
    other.close()

    accepted = make_record()
    writer.commit(json_lines(accepted), before_commit=nothing)
    assert stored(url) == [accepted.id]


def test_retention_by_rows_keeps_the_newest_and_deletes_in_small_batches(writer: Writer, url: str) -> None:
    records = [make_record() for _ in range(1300)]
    writer.commit(json_lines(*records), before_commit=nothing)

    assert all_batches(writer.delete_expired, 0, 100) == [500, 500, 200]

    assert stored(url) == [record.id for record in records[-100:]]


def test_retention_by_age_deletes_what_is_older(writer: Writer, url: str) -> None:
    old, new = [aged(2.5), aged(2.1)], [aged(1.9), aged(0)]
    writer.commit(json_lines(*old, *new), before_commit=nothing)

    assert all_batches(writer.delete_expired, 2, 0) == [2]

    assert stored(url) == [record.id for record in new]


BLOCK = 1300
DAYS = 30
YEAR = 365


class Clock:
    """Seconds since the epoch; starts now."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def advance(self, days: float) -> None:
        self.now += days * 86_400


def stored_at(clock: Clock, number: int, ahead: float = 0) -> list[Record]:
    """Records of a second whose clock was `ahead` by that number of days."""
    return [make_record(timestamp=timestamp(clock.now + ahead * 86_400)) for _ in range(number)]


@pytest.mark.parametrize("number", [1, BLOCK], ids=["one row", "more rows than a batch"])
@pytest.mark.parametrize("ahead", [40, 10 * YEAR, 5000 * YEAR])
def test_rows_of_a_clock_that_was_ahead_expire_with_the_rows_after_them(url: str, number: int, ahead: float) -> None:
    clock = Clock()
    writer = Writer(database_of(url), clock)
    spell, later = stored_at(clock, number, ahead), stored_at(clock, 2)
    writer.commit(json_lines(*spell, *later), before_commit=nothing)

    clock.advance(DAYS - 1)
    assert all_batches(writer.delete_expired, DAYS, 0) == []
    clock.advance(2)
    writer.commit(json_lines(*(new := stored_at(clock, 3))), before_commit=nothing)
    all_batches(writer.delete_expired, DAYS, 0)

    assert stored(url) == [record.id for record in new]


def test_rows_before_a_spell_of_a_clock_that_was_ahead_expire_at_their_time(url: str) -> None:
    clock = Clock()
    writer = Writer(database_of(url), clock)
    first = stored_at(clock, BLOCK)
    clock.advance(5)
    spell = stored_at(clock, BLOCK, ahead=10 * YEAR)
    clock.advance(5)
    writer.commit(json_lines(*first, *spell, *(last := stored_at(clock, BLOCK))), before_commit=nothing)

    clock.advance(DAYS - 9)
    all_batches(writer.delete_expired, DAYS, 0)
    assert stored(url) == [record.id for record in spell + last]
    clock.advance(10)
    all_batches(writer.delete_expired, DAYS, 0)

    assert stored(url) == []


@pytest.mark.parametrize("behind", [10 * YEAR, 50 * YEAR])
def test_a_clock_that_is_behind_deletes_no_row(url: str, behind: float) -> None:
    clock = Clock()
    writer = Writer(database_of(url), clock)
    rows = stored_at(clock, BLOCK)
    clock.advance(-behind)
    writer.commit(json_lines(*rows, *(spell := stored_at(clock, BLOCK))), before_commit=nothing)

    assert all_batches(writer.delete_expired, DAYS, 0) == []
    assert stored(url) == [record.id for record in rows + spell]


def test_rows_of_a_clock_that_was_behind_delete_no_row_before_them(url: str) -> None:
    clock = Clock()
    writer = Writer(database_of(url), clock)
    rows = stored_at(clock, 10)
    writer.commit(json_lines(*rows, *stored_at(clock, 10, ahead=-50 * YEAR)), before_commit=nothing)
    clock.advance(1)

    all_batches(writer.delete_expired, DAYS, 0)

    assert stored(url) == [record.id for record in rows]


def test_both_limits_of_retention_apply_together(writer: Writer, url: str) -> None:
    records = [aged(3), aged(0), aged(0), aged(0)]
    writer.commit(json_lines(*records), before_commit=nothing)

    writer.delete_expired(2, 2)

    assert stored(url) == [record.id for record in records[-2:]]


def test_without_limits_nothing_is_deleted(writer: Writer, url: str) -> None:
    writer.commit(json_lines(aged(10_000)), before_commit=nothing)

    assert writer.delete_expired(0, 0) == 0
    assert len(stored(url)) == 1


def test_the_outbox_counts_unpublished_rows_and_names_the_oldest(writer: Writer) -> None:
    assert writer.outbox() == OutboxStats(0, None)
    records = [make_record() for _ in range(3)]

    writer.commit(json_lines(*records), before_commit=nothing)

    assert writer.outbox() == OutboxStats(3, records[0].timestamp)


def test_rows_deleted_by_retention_are_not_counted_in_the_outbox(writer: Writer) -> None:
    records = [make_record() for _ in range(3)]
    writer.commit(json_lines(*records), before_commit=nothing)

    writer.delete_expired(0, 1)

    assert writer.outbox() == OutboxStats(1, records[2].timestamp)


def test_a_sequence_number_is_not_reused_after_all_rows_are_deleted(writer: Writer, url: str) -> None:
    writer.commit(json_lines(aged(3), aged(3)), before_commit=nothing)
    writer.delete_expired(1, 0)

    writer.commit(json_lines(make_record()), before_commit=nothing)

    assert [seq for seq, _ in Reader(database_of(url)).history("alice", HistoryQuery(limit=10)).rows] == [3]
