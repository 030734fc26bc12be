"""Fixtures that several folders share."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from httpx2 import Response
from hypothesis import settings as hypothesis_settings
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from mathops.evaluator import Evaluator
from mathops.identity import keys
from mathops.identity.assertions import OAuthClients
from mathops.identity.issuers.accepted_issuers import AcceptedIssuers
from mathops.identity.tokens import Tokens
from mathops.identity.users import DemoUsers, UsersFile
from mathops.journal.database import schema
from mathops.operations import OPERATIONS, Operation
from mathops.settings import Settings
from mathops.telemetry.tracing import NO_TRACING, AnyTracing, Tracing
from mathops.web.app import create_app
from mathops.web.context import Resources
from tests.support.fakes import FakeCache, FakeJournal, FakeRateLimiter, FakeRevocations, InlinePool
from tests.support.oidc_issuer import OidcIssuer
from tests.support.server import Server, running

# jsonschema imports it to check formats that no document here uses; building its grammar takes 1 s.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# `make test-integration` uses the thorough profile.
hypothesis_settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis_settings.register_profile("thorough", deadline=None, max_examples=200)
hypothesis_settings.load_profile("quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start a server for themselves as slow, except those that count for coverage."""
    for item in items:
        if "start_server" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("measured"):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    """Tracing that exports to `spans`."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


@pytest.fixture
def in_one_process(monkeypatch: pytest.MonkeyPatch, authority_file: Path) -> None:
    """Reject the start of a process, and trust one authority: to read those of the system takes a client 30 ms."""

    def reject(*_: object, **__: object) -> None:
        raise AssertionError("this test starts a process; move it to tests/processes")

    monkeypatch.setattr(subprocess, "Popen", reject)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty journal, to copy from."""
    path = tmp_path_factory.mktemp("journal") / "mathops.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(tmp_path: Path, migrated: Path) -> str:
    """A journal in SQLite."""
    copy = shutil.copy(migrated, tmp_path / "mathops.db")
    return f"sqlite:///{copy}"


# Tests need not wait as long as a service for the next fetch of keys.
FETCH_INTERVAL = 0.05


class World:
    """An application on fakes, with a client."""

    def __init__(
        self,
        settings: Settings,
        limits: dict[str, int],
        operations: Sequence[Operation] = OPERATIONS,
        tracing: AnyTracing = NO_TRACING,
        trusted_proxies: str = "",
    ) -> None:
        keys.ensure(settings.keys_path)
        self.settings = settings
        self.keys = keys.Keys(settings.keys_path)
        self.tokens = Tokens(self.keys, settings)
        issuers_file = settings.issuers_file
        self.issuers = (
            AcceptedIssuers(issuers_file, self.tokens, settings, interval=FETCH_INTERVAL) if issuers_file else None
        )
        self.cache, self.journal, self.compute = FakeCache(), FakeJournal(), InlinePool()
        self.rate_limiter = FakeRateLimiter(limits)
        self.operations = operations
        self.resources = Resources(
            settings=settings,
            keys=self.keys,
            tokens=self.tokens,
            issuers=self.issuers,
            users=UsersFile(settings.users_file) if settings.users_file else DemoUsers(),
            clients=OAuthClients(settings.clients_file, settings.token_leeway_seconds)
            if settings.clients_file
            else None,
            journal=self.journal,
            rate_limiter=self.rate_limiter,
            evaluator=Evaluator(self.cache, self.compute, self.rate_limiter, settings.inline_digits, tracing),
            revocations=FakeRevocations(),
            dependencies={},
            tracing=tracing,
        )
        app = create_app(settings, self._open, operations, tracing, trusted_proxies)
        self.client = TestClient(app, raise_server_exceptions=False)

    @asynccontextmanager
    async def _open(self, _: Settings) -> AsyncIterator[Resources]:
        async with AsyncExitStack() as stack:
            if self.issuers:
                await stack.enter_async_context(self.issuers.running())
            yield self.resources

    def bearer(self, user: str = "alice", scopes: tuple[str, ...] = ("math", "history")) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.issue(user, list(scopes))}"}

    def get(self, path: str, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={**self.bearer(), **named})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signing key to copy, because creating one waits for the disk."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.ensure(path)
    return path


@contextmanager
def world_factory(folder: Path, keys_file: Path) -> Iterator[Callable[..., World]]:
    """A function that makes applications with their data in `folder`; all end with the block."""
    with ExitStack() as stack:

        def make(
            limits: dict[str, int] | None = None,
            operations: Sequence[Operation] = OPERATIONS,
            tracing: AnyTracing = NO_TRACING,
            trusted_proxies: str = "",
            **values: Any,
        ) -> World:
            settings = Settings(data_dir=folder, **values)
            shutil.copy(keys_file, settings.keys_path)
            world = World(settings, limits or {}, operations, tracing, trusted_proxies)
            stack.enter_context(world.client)
            return world

        yield make


@pytest.fixture
def make_world(tmp_path: Path, keys_file: Path) -> Iterator[Callable[..., World]]:
    with world_factory(tmp_path, keys_file) as make:
        yield make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    """An external issuer."""
    with OidcIssuer().running() as served:
        yield served


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with default settings for tests that neither stop nor break it, and count nothing from zero."""
    # A variable that gunicorn would read.
    with running(tmp_path_factory.mktemp("shared"), WEB_CONCURRENCY="many") as server:
        yield server


@pytest.fixture
def start_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Start servers without other services, each on a free port."""
    servers: list[Server] = []

    def start(**variables: str) -> Server:
        server = Server(tmp_path, variables)
        server.measured = request.node.get_closest_marker("measured") is not None
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()
