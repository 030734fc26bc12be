import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from mathops.errors import JournalUnavailable
from mathops.journal.client import JournalClient
from mathops.journal.migrations import schema
from mathops.settings import Settings
from tests.support.child_processes import until
from tests.support.records import make_record

pytestmark = pytest.mark.anyio


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[JournalClient]:
    settings = Settings(data_dir=tmp_path, journal_timeout_seconds=0.3, record_digits=100_000)
    schema.upgrade(settings.journal_url)
    async with JournalClient(settings).running() as running:
        # The first write takes longer than the rest.
        await until(lambda: not running._sent)
        yield running


@pytest.fixture
def process(journal: JournalClient) -> psutil.Process:
    return psutil.Process(journal._process.pid)


async def stored(journal: JournalClient) -> set[str]:
    return {record.id for _, record in (await journal.history("alice", 1000)).rows}


async def test_while_it_hangs_each_waits_no_longer_than_the_limit_and_what_was_taken_is_stored_later(
    journal: JournalClient, process: psutil.Process
) -> None:
    records = [make_record() for _ in range(5)]
    process.suspend()

    for record in records:
        with pytest.raises(JournalUnavailable, match="takes too long"):
            await asyncio.wait_for(journal.append(record), 5)
    process.resume()

    await until(lambda: journal._in_flight == 0)
    assert await stored(journal) == {record.id for record in records}


async def test_while_it_hangs_a_probe_is_answered_at_once(journal: JournalClient, process: psutil.Process) -> None:
    process.suspend()
    with pytest.raises(JournalUnavailable):
        await journal.append(make_record())
    began = time.monotonic()

    for _ in range(100):
        assert await journal.check() == "the commit takes too long"

    assert time.monotonic() - began < 0.3
    process.resume()
    await until(lambda: journal._in_flight == 0)
    assert await journal.check() is None


async def test_no_more_is_kept_for_a_process_that_hangs_than_memory_allows(
    journal: JournalClient, process: psutil.Process
) -> None:
    process.suspend()

    outcomes = await asyncio.gather(*(journal.append(make_record()) for _ in range(400)), return_exceptions=True)

    full = [outcome for outcome in outcomes if "too many requests wait" in str(outcome)]
    assert 0 < len(full) < 400
    process.resume()
    await until(lambda: journal._in_flight == 0)
    assert len(await stored(journal)) == 400 - len(full)


async def test_one_who_stops_waiting_takes_nothing_from_the_others(journal: JournalClient) -> None:
    leaving, staying = make_record(), make_record()
    tasks = [asyncio.create_task(journal.append(record)) for record in (leaving, staying)]
    await asyncio.sleep(0)

    tasks[0].cancel()

    await tasks[1]
    assert staying.id in await stored(journal)


async def test_what_is_left_when_it_closes_is_committed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    schema.upgrade(settings.journal_url)
    async with JournalClient(settings).running() as journal:
        left = [asyncio.create_task(journal.append(make_record())) for _ in range(3)]
        await asyncio.sleep(0)

    for task in left:
        task.cancel()
    await asyncio.wait(left)
    assert len(await stored(journal)) == 3


async def test_a_damaged_file_is_told_to_who_asks_for_history_and_its_name_is_not(
    journal: JournalClient, tmp_path: Path
) -> None:
    await journal.append(make_record())
    (tmp_path / "mathops.db").write_bytes(b"nonsense " * 10_000)

    with pytest.raises(JournalUnavailable, match="cannot be read") as raised:
        await journal.history("alice", 10)

    assert str(tmp_path) not in raised.value.detail
