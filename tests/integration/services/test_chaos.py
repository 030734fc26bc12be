"""A minute of what `make chaos` does for ten."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.disk import NoSmallDisk, small_disk
from tests.chaos.report import show
from tests.chaos.run import run
from tests.chaos.scene import Neighbours
from tests.integration.services.containers import Container
from tests.integration.services.kafka import Kafka

SECONDS = 60


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """One whose folder `data` is a disk of its own."""
    try:
        with small_disk(tmp_path / "data", SECONDS):
            yield tmp_path
    except NoSmallDisk as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@pytest.mark.timeout(300)
def test_under_mixed_load_no_fault_loses_or_falsifies_anything(
    redis_container: Container, kafka: Kafka, folder: Path
) -> None:
    verdict = run(folder, SECONDS, "continuous integration", Neighbours(redis_container, kafka))

    show(verdict, Console(width=120))
    assert verdict.findings == []
