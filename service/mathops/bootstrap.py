"""Opens and closes everything that the service works with."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from mathops.evaluator import Evaluator
from mathops.identity.keys import Keys
from mathops.identity.tokens import Tokens
from mathops.identity.users import DemoUsers, UsersFile
from mathops.journal.client import JournalClient
from mathops.ports import Users
from mathops.processes.pool import Pool
from mathops.settings import Settings
from mathops.shared.shared_state import open_shared
from mathops.telemetry import metrics, tracing
from mathops.web.resources import Resources

_FLUSH_SECONDS = 2.0


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """The parts that the settings ask for, closed in reverse order; raises StartupError."""
    async with AsyncExitStack() as stack:
        if tracing.requested():
            tracing.start()
            stack.callback(tracing.stop, _FLUSH_SECONDS)
        metrics.set_build_info()
        keys = Keys(settings.keys_path)
        shared = await stack.enter_async_context(open_shared(settings))
        journal = await stack.enter_async_context(JournalClient(settings).running())
        pool = await stack.enter_async_context(_pool(settings).running())
        yield Resources(
            settings=settings,
            keys=keys,
            tokens=Tokens(keys, settings),
            users=_users(settings),
            journal=journal,
            rate_limiter=shared.rate_limiter,
            evaluator=Evaluator(shared.cache, pool, shared.rate_limiter, settings.inline_digits),
            revocations=shared.revocations,
            dependencies={**shared.dependencies, **({"kafka": journal.events} if settings.kafka_brokers else {})},
        )


def _pool(settings: Settings) -> Pool:
    size = settings.compute_workers or max(1, (os.cpu_count() or 1) // settings.workers)
    queue = settings.compute_queue or 2 * size
    return Pool(size, queue, settings.compute_deadline_seconds, settings.compute_memory_bytes)


def _users(settings: Settings) -> Users:
    return UsersFile(settings.users_file) if settings.users_file is not None else DemoUsers()
