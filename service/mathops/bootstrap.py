"""The composition root: builds the application and opens and closes its resources."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

from starlette.applications import Starlette

from mathops.evaluator import Evaluator
from mathops.identity.assertions import OAuthClients
from mathops.identity.issuers.accepted_issuers import AcceptedIssuers
from mathops.identity.keys import Keys
from mathops.identity.reloaded_file import refreshing
from mathops.identity.tokens import Tokens
from mathops.identity.users import DemoUsers, UsersFile
from mathops.journal.client import JournalClient
from mathops.journal.database.engine import database_of
from mathops.journal.revocations import DatabaseRevocations
from mathops.journal.supervision import journal_process
from mathops.processes.connection_queue import Connect
from mathops.processes.pool import FINISH_SECONDS, Pool, usable_cores
from mathops.settings import Settings
from mathops.shared.shared_state import open_shared
from mathops.telemetry import metrics
from mathops.telemetry.tracing import NO_TRACING, AnyTracing
from mathops.telemetry.tracing_setup import start_tracing
from mathops.web.app import create_app
from mathops.web.context import Resources

# A stop may take this long beyond open requests: the web workers for their parts one after the other, then the master
# for the journal process.
_COMMIT_SECONDS, _SPAN_EXPORT_SECONDS = 1.0, 1.0
WORKER_CLOSE_SECONDS = FINISH_SECONDS + _COMMIT_SECONDS + _SPAN_EXPORT_SECONDS
JOURNAL_STOP_SECONDS = 2.0


def build_application(settings: Settings, connect: Connect | None = None) -> Starlette:
    """The application of one web worker; called after fork.

    `connect` returns a connection to the journal process; without it the application starts one.
    """
    tracing = start_tracing()
    resources = partial(open_resources, connect=connect, tracing=tracing)
    # The variable's name is that of gunicorn and uvicorn.
    proxies = os.environ.get("FORWARDED_ALLOW_IPS", "")
    return create_app(settings, resources, tracing=tracing, trusted_proxies=proxies)


@asynccontextmanager
async def open_resources(
    settings: Settings, connect: Connect | None = None, tracing: AnyTracing = NO_TRACING
) -> AsyncIterator[Resources]:
    """Open the configured resources and close them in reverse order; raises StartupError."""
    async with AsyncExitStack() as stack:
        stack.callback(tracing.stop, _SPAN_EXPORT_SECONDS)
        metrics.set_initial_values()
        identity = await stack.enter_async_context(_open_identity(settings))
        shared = await stack.enter_async_context(open_shared(settings, tracing))
        if connect is None:
            process = await stack.enter_async_context(journal_process(settings).running(JOURNAL_STOP_SECONDS))
            connect = process.connect
        journal = await stack.enter_async_context(JournalClient(settings, connect, tracing).running(_COMMIT_SECONDS))
        revocations = DatabaseRevocations(database_of(settings.journal_url))
        await stack.enter_async_context(revocations.running())
        size = settings.compute_workers or max(1, usable_cores() // settings.workers)
        queue = settings.compute_queue or 2 * size
        pool = Pool(size, queue, settings.compute_deadline_seconds, settings.compute_memory_bytes, tracing)
        await stack.enter_async_context(pool.running())
        evaluator = Evaluator(
            shared.cache, pool, shared.rate_limiter, settings.inline_digits, tracing, settings.compute_deadline_seconds
        )
        states = {"revocations": revocations.state}
        if settings.kafka_brokers:
            states["kafka"] = journal.publishing_state
        yield Resources(
            settings=settings,
            keys=identity.keys,
            tokens=identity.tokens,
            issuers=identity.issuers,
            users=identity.users or DemoUsers(),
            clients=identity.clients,
            journal=journal,
            rate_limiter=shared.rate_limiter,
            evaluator=evaluator,
            tracing=tracing,
            revocations=revocations,
            dependencies=shared.dependencies | states | identity.states(),
        )


class _Identity(NamedTuple):
    keys: Keys
    tokens: Tokens
    users: UsersFile | None
    clients: OAuthClients | None
    issuers: AcceptedIssuers | None

    def states(self) -> dict[str, Callable[[], str]]:
        """Of the files that an operator changes."""
        files = (("users", self.users), ("clients", self.clients), ("issuers", self.issuers))
        return {name: file.state for name, file in files if file}


@asynccontextmanager
async def _open_identity(settings: Settings) -> AsyncIterator[_Identity]:
    keys = Keys(settings.keys_path)
    tokens = Tokens(keys, settings)
    users = UsersFile(settings.users_file) if settings.users_file else None
    clients = OAuthClients(settings.clients_file, settings.token_leeway_seconds) if settings.clients_file else None
    issuers = AcceptedIssuers(settings.issuers_file, tokens, settings) if settings.issuers_file else None
    async with AsyncExitStack() as stack:
        if issuers:
            await stack.enter_async_context(issuers.running())
        files = (keys, users, clients, issuers)
        await stack.enter_async_context(refreshing(*(file.refresh for file in files if file)))
        yield _Identity(keys, tokens, users, clients, issuers)
