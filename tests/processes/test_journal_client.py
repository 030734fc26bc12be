import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from mathops.errors import JournalUnavailable
from mathops.journal.client import JournalClient
from mathops.models import HistoryQuery
from mathops.processes.supervisor import ProcessSupervisor
from mathops.settings import Settings
from tests.support.child_processes import until
from tests.support.journal import running_journal
from tests.support.records import make_record

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[JournalClient, ProcessSupervisor]]:
    settings = Settings(data_dir=tmp_path, journal_timeout_seconds=0.3, record_digits=100_000)
    async with running_journal(settings) as (journal, process):
        # The first write takes longer than the rest.
        await until(lambda: not journal._window.unacknowledged)
        yield journal, process


@pytest.fixture
def journal(running: tuple[JournalClient, ProcessSupervisor]) -> JournalClient:
    return running[0]


@pytest.fixture
def process(running: tuple[JournalClient, ProcessSupervisor]) -> psutil.Process:
    assert running[1]._process is not None
    return psutil.Process(running[1]._process.pid)


async def stored(journal: JournalClient) -> set[str]:
    return {record.id for _, record in (await journal.history("alice", HistoryQuery(limit=1000))).rows}


async def test_while_the_process_hangs_requests_time_out_and_are_stored_later(
    journal: JournalClient, process: psutil.Process
) -> None:
    records = [make_record() for _ in range(5)]
    process.suspend()

    for record in records:
        with pytest.raises(JournalUnavailable, match="takes too long"):
            await asyncio.wait_for(journal.append(record), 5)
    process.resume()

    await until(lambda: journal._window.rows == 0)
    assert await stored(journal) == {record.id for record in records}


async def test_while_the_process_hangs_a_check_returns_at_once(journal: JournalClient, process: psutil.Process) -> None:
    process.suspend()
    with pytest.raises(JournalUnavailable):
        await journal.append(make_record())
    began = time.monotonic()

    for _ in range(100):
        assert await journal.check() == "the commit takes too long"

    assert time.monotonic() - began < 0.3
    process.resume()
    await until(lambda: journal._window.rows == 0)
    assert await journal.check() is None


async def test_while_the_process_hangs_the_rows_in_flight_are_bounded(
    journal: JournalClient, process: psutil.Process
) -> None:
    process.suspend()

    outcomes = await asyncio.gather(*(journal.append(make_record()) for _ in range(400)), return_exceptions=True)

    full = [outcome for outcome in outcomes if "too many requests wait" in str(outcome)]
    assert 0 < len(full) < 400
    process.resume()
    await until(lambda: journal._window.rows == 0)
    assert len(await stored(journal)) == 400 - len(full)


async def test_a_record_that_cannot_be_encoded_fails_alone_and_leaves_nothing_in_flight(journal: JournalClient) -> None:
    bad, good = make_record(result="\ud800"), make_record()

    outcomes = await asyncio.gather(journal.append(bad), journal.append(good), return_exceptions=True)

    assert "cannot be encoded" in str(outcomes[0])
    assert isinstance(outcomes[0], JournalUnavailable)
    assert outcomes[1] is None
    assert journal._window.rows == 0
    assert await stored(journal) == {good.id}


async def test_a_batch_sent_to_a_process_that_dies_is_sent_again_and_stored_once(
    journal: JournalClient, process: psutil.Process
) -> None:
    records = [make_record() for _ in range(3)]
    process.suspend()
    tasks = [asyncio.create_task(journal.append(record)) for record in records]
    await asyncio.sleep(0.05)

    process.kill()

    # A caller may time out before the new process runs; its record is stored all the same.
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: journal._window.rows == 0)
    assert [record.id for _, record in (await journal.history("alice", HistoryQuery(limit=10))).rows] == [
        record.id for record in reversed(records)
    ]
    assert await journal.check() is None


async def test_a_cancelled_caller_does_not_affect_the_others(journal: JournalClient) -> None:
    leaving, staying = make_record(), make_record()
    tasks = [asyncio.create_task(journal.append(record)) for record in (leaving, staying)]
    await asyncio.sleep(0)

    tasks[0].cancel()

    await tasks[1]
    assert staying.id in await stored(journal)


async def test_closing_commits_the_records_left(tmp_path: Path) -> None:
    async with running_journal(Settings(data_dir=tmp_path)) as (journal, _):
        left = [asyncio.create_task(journal.append(make_record())) for _ in range(3)]
        await asyncio.sleep(0)

    for task in left:
        task.cancel()
    await asyncio.wait(left)
    assert len(await stored(journal)) == 3


async def test_history_from_a_damaged_file_is_an_error_without_the_file_name(
    journal: JournalClient, tmp_path: Path
) -> None:
    await journal.append(make_record())
    (tmp_path / "mathops.db").write_bytes(b"nonsense " * 10_000)

    with pytest.raises(JournalUnavailable, match="cannot be read") as raised:
        await journal.history("alice", HistoryQuery(limit=10))

    assert str(tmp_path) not in raised.value.detail
