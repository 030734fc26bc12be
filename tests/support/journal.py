"""A journal client with its own journal process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mathops.journal.client import JournalClient
from mathops.journal.database import schema
from mathops.journal.supervision import journal_process
from mathops.processes.supervisor import ProcessSupervisor
from mathops.settings import Settings

SECONDS = 20.0


@asynccontextmanager
async def running_journal(settings: Settings) -> AsyncIterator[tuple[JournalClient, ProcessSupervisor]]:
    """Creates the database."""
    schema.upgrade(settings.journal_url)
    async with (
        journal_process(settings).running(SECONDS) as process,
        JournalClient(settings, process.connect).running(SECONDS) as journal,
    ):
        yield journal, process
