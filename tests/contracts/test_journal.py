"""What every Journal keeps to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mathops.adapters import schema
from mathops.adapters.journal import ProcessJournal
from mathops.ports import Journal
from mathops.record import Record
from mathops.settings import Settings
from tests.fakes import FakeJournal
from tests.records import make_record

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Journal]:
    yield FakeJournal()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Journal]:
    settings = Settings(data_dir=folder)
    schema.upgrade(settings.journal_url)
    async with ProcessJournal(settings).running() as journal:
        yield journal


PARTS: dict[str, Callable[[Path], AbstractAsyncContextManager[Journal]]] = {"fake": fake, "sqlite": sqlite}


@pytest.fixture(params=PARTS)
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    async with PARTS[request.param](tmp_path) as part:
        yield part


async def records(journal: Journal, user: str = "alice", limit: int = 1000) -> list[Record]:
    return [record for _, record in (await journal.history(user, limit)).rows]


async def test_a_new_journal_is_empty_and_well(journal: Journal) -> None:
    assert await journal.history("alice", 10) == ([], False)
    assert await journal.check() is None


async def test_an_appended_record_comes_back_as_it_was(journal: Journal) -> None:
    record = make_record(parameters={"base": "é2", "exp": '"\n'}, trace_id="0" * 32)

    await journal.append(record)

    assert await records(journal) == [record]


async def test_a_refused_request_is_kept_with_its_problem_and_without_a_result(journal: Journal) -> None:
    refused = make_record(result=None, result_digits=None, status=422, problem="invalid-parameter", cache=None)

    await journal.append(refused)

    assert await records(journal) == [refused]


async def test_a_record_without_a_user_is_accepted_and_is_in_nobodys_history(journal: Journal) -> None:
    await journal.append(make_record(user=None))

    assert await records(journal) == []


async def test_a_record_appended_twice_is_stored_once(journal: Journal) -> None:
    record = make_record()

    await asyncio.gather(journal.append(record), journal.append(record))
    await journal.append(record)

    assert await records(journal) == [record]


async def test_history_gives_ones_own_records_newest_first(journal: Journal) -> None:
    mine = [make_record() for _ in range(3)]
    for record in mine:
        await journal.append(make_record(user="bob"))
        await journal.append(record)

    assert await records(journal) == mine[::-1]


async def test_history_comes_in_pages_that_neither_repeat_nor_skip(journal: Journal) -> None:
    appended = [make_record() for _ in range(5)]
    for record in appended:
        await journal.append(record)

    pages = [await journal.history("alice", 2)]
    while pages[-1].more:
        pages.append(await journal.history("alice", 2, before=pages[-1].rows[-1][0]))

    assert [len(page.rows) for page in pages] == [2, 2, 1]
    assert [record for page in pages for _, record in page.rows] == appended[::-1]


async def test_records_appended_at_the_same_time_are_all_stored_under_numbers_of_their_own(journal: Journal) -> None:
    appended = [make_record() for _ in range(500)]

    await asyncio.gather(*map(journal.append, appended))

    rows = (await journal.history("alice", 1000)).rows
    assert {record.id for _, record in rows} == {record.id for record in appended}
    assert len({seq for seq, _ in rows}) == len(rows) == 500
