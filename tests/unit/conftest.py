"""Fixtures of the unit tests."""

import shutil
import subprocess
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mathops.journal.database import schema
from mathops.telemetry.tracing import Tracing


@pytest.fixture(scope="session", autouse=True)
def fast_clients(one_authority: None) -> None:
    """Only tests of processes connect to servers with public certificates."""


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    """Tracing that exports to `spans`."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reject the start of a process."""

    def reject(*_: object, **__: object) -> None:
        raise AssertionError("unit tests start no process; move this one to tests/processes")

    monkeypatch.setattr(subprocess, "Popen", reject)


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
