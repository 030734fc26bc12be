"""A short `make chaos` with each database of the journal."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.disk import MountError, small_disk
from tests.chaos.environment import Dependencies
from tests.chaos.journals import postgres_store
from tests.chaos.report import show
from tests.chaos.run import run
from tests.integration.services import pgbouncer
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka

SECONDS = 45


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose subfolder `data` is a small disk."""
    try:
        with small_disk(tmp_path / "data", SECONDS):
            yield tmp_path
    except MountError as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("journal", ["sqlite", "postgresql"])
def test_no_fault_loses_or_changes_a_record_under_mixed_load(
    redis_container: Container, kafka: Kafka, folder: Path, journal: str
) -> None:
    if journal == "postgresql" and pgbouncer.MISSING and not os.environ.get("CI"):
        pytest.skip("needs pgbouncer")
    with postgres_store() if journal == "postgresql" else nullcontext() as postgres:
        verdict = run(folder, SECONDS, "continuous integration", Dependencies(redis_container, kafka, postgres))

    show(verdict, Console(width=120))
    assert verdict.findings == []
