"""The contract of every Journal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mathops.models import HistoryQuery, Record
from mathops.ports import Journal
from mathops.settings import Settings
from tests.support.fakes import FakeJournal
from tests.support.journal import running_journal
from tests.support.records import make_record

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Journal]:
    yield FakeJournal()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Journal]:
    async with running_journal(Settings(data_dir=folder)) as (journal, _):
        yield journal


PARTS: dict[str, Callable[[Path], AbstractAsyncContextManager[Journal]]] = {"fake": fake, "sqlite": sqlite}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


# Opened once for all tests, each of which has a user of its own.
@pytest.fixture(params=PARTS, scope="module")
async def journal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Journal]:
    async with PARTS[request.param](tmp_path_factory.mktemp("journal")) as part:
        yield part


@pytest.fixture
def user() -> str:
    return str(uuid4())


async def records(journal: Journal, user: str) -> list[Record]:
    return [record for _, record in (await journal.history(user, HistoryQuery(limit=1000))).rows]


async def test_a_new_journal_is_empty_and_writable(journal: Journal, user: str) -> None:
    assert await journal.history(user, HistoryQuery(limit=10)) == ([], None, 0)
    assert await journal.check() is None


async def test_an_appended_record_is_read_back_unchanged(journal: Journal, user: str) -> None:
    record = make_record(
        user=user,
        parameters={"base": "é2", "exp": '"\n'},
        trace_id="0" * 32,
        traceparent="00-" + "0" * 32 + "-" + "1" * 16 + "-01",
    )

    await journal.append(record)

    assert await records(journal, user) == [record]


async def test_any_character_of_a_parameter_is_stored_and_harms_no_other_record(journal: Journal, user: str) -> None:
    texts = ["a\x00b", "\\u0000", "é😀\u2028", "\x7f\r\n\t", "\"'%s %(a)s {}[],", "\ufffe", ""]
    given = [make_record(user=user, parameters={"n": text, text: "1"}) for text in texts]

    await asyncio.gather(*map(journal.append, given), *[journal.append(make_record(user=user)) for _ in range(5)])

    stored = await records(journal, user)
    assert len(stored) == len(given) + 5
    for record in given:
        assert record in stored


async def test_a_rejected_request_is_stored_with_its_problem_and_without_a_result(journal: Journal, user: str) -> None:
    refused = make_record(
        user=user, result=None, result_digits=None, status=422, problem="invalid-parameter", cache=None
    )

    await journal.append(refused)

    assert await records(journal, user) == [refused]


async def test_a_record_without_a_user_is_stored_and_in_no_history(journal: Journal) -> None:
    anonymous = make_record(user=None)

    await journal.append(anonymous)

    assert anonymous not in await records(journal, "")
    assert anonymous not in await records(journal, "None")


async def test_a_record_appended_twice_is_stored_once(journal: Journal, user: str) -> None:
    record = make_record(user=user)

    await asyncio.gather(journal.append(record), journal.append(record))
    await journal.append(record)

    assert await records(journal, user) == [record]


async def test_history_returns_the_users_own_records_newest_first(journal: Journal, user: str) -> None:
    mine = [make_record(user=user) for _ in range(3)]
    for record in mine:
        await journal.append(make_record(user=str(uuid4())))
        await journal.append(record)

    assert await records(journal, user) == mine[::-1]


async def test_pages_of_history_neither_repeat_nor_skip_records(journal: Journal, user: str) -> None:
    appended = [make_record(user=user) for _ in range(5)]
    for record in appended:
        await journal.append(record)

    pages = [await journal.history(user, HistoryQuery(limit=2))]
    while pages[-1].next is not None:
        pages.append(await journal.history(user, HistoryQuery(limit=2, before=pages[-1].next)))

    assert [len(page.rows) for page in pages] == [2, 2, 1]
    assert [record for page in pages for _, record in page.rows] == appended[::-1]


async def test_the_cursor_for_newer_records_follows_them_without_gaps(journal: Journal, user: str) -> None:
    await journal.append(make_record(user=user))
    cursor = (await journal.history(user, HistoryQuery())).newer
    assert await journal.history(user, HistoryQuery(after=cursor)) == ([], None, cursor)
    appended = [make_record(user=user) for _ in range(5)]
    for record in appended:
        await journal.append(make_record(user=str(uuid4())))
        await journal.append(record)

    followed: list[Record] = []
    while page := (await journal.history(user, HistoryQuery(limit=2, after=cursor))).rows:
        assert len(page) <= 2
        followed += [record for _, record in page[::-1]]
        cursor = page[0][0]

    assert followed == appended


async def test_the_page_before_a_page_of_newer_records_has_the_older_ones(journal: Journal, user: str) -> None:
    appended = [make_record(user=user) for _ in range(5)]
    for record in appended:
        await journal.append(record)
    third = (await journal.history(user, HistoryQuery())).rows[2][0]

    newer = await journal.history(user, HistoryQuery(after=third))
    assert newer.next is not None
    older = await journal.history(user, HistoryQuery(before=newer.next))
    between = await journal.history(user, HistoryQuery(after=older.rows[-1][0], before=newer.rows[0][0]))

    assert [record for _, record in newer.rows] == appended[:2:-1]
    assert [record for _, record in older.rows] == appended[2::-1]
    assert [record for _, record in between.rows] == appended[3:0:-1]


FILTERED: list[tuple[dict[str, Any], list[int]]] = [
    ({"operation": "fib"}, [1]),
    ({"operation": "other"}, []),
    ({"status": 422}, [2]),
    ({"outcome": "ok"}, [0, 1]),
    ({"outcome": "error"}, [2, 3]),
    ({"outcome": "overloaded"}, [3]),
    ({"since": datetime(2026, 1, 3, 2, tzinfo=timezone(timedelta(hours=2)))}, [2, 3]),
    ({"since": datetime(2026, 1, 3, microsecond=1, tzinfo=UTC)}, [3]),
    ({"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, [0, 1, 2, 3]),
    ({"since": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))}, []),
    ({"outcome": "error", "operation": "fact", "status": 503}, [3]),
    ({"outcome": "ok", "status": 503}, []),
]


async def test_filters_select_the_records_that_meet_all_of_them(journal: Journal, user: str) -> None:
    values: list[dict[str, Any]] = [
        {"operation": "pow"},
        {"operation": "fib", "status": 304},
        {"operation": "pow", "status": 422, "problem": "invalid-parameter"},
        {"operation": "fact", "status": 503, "problem": "overloaded"},
    ]
    records = [
        make_record(user=user, timestamp=f"2026-01-0{day}T00:00:00.000000Z", **changed)
        for day, changed in enumerate(values, 1)
    ]
    for record in records:
        await journal.append(record)

    for filters, expected in FILTERED:
        page = await journal.history(user, HistoryQuery(**filters))
        followed = await journal.history(user, HistoryQuery(**filters, after=0))

        assert [record for _, record in page.rows] == [records[number] for number in reversed(expected)], filters
        assert followed.rows == page.rows, filters
        assert page.next is None, filters


async def test_records_appended_concurrently_get_different_sequence_numbers(journal: Journal, user: str) -> None:
    appended = [make_record(user=user) for _ in range(500)]

    await asyncio.gather(*map(journal.append, appended))

    rows = (await journal.history(user, HistoryQuery(limit=1000))).rows
    assert {record.id for _, record in rows} == {record.id for record in appended}
    assert len({seq for seq, _ in rows}) == len(rows) == 500
