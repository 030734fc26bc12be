"""A journal in SQLite."""

from pathlib import Path

import pytest

from mathops.journal import schema


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'mathops.db'}"
    schema.upgrade(url)
    return url
