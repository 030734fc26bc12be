"""Every line of docs/security.md names a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROWS = [
    row
    for row in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if row.startswith("| ") and not row.endswith("| Test |")
]


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[:40])
def test_the_named_test_exists(row: str) -> None:
    found = re.search(r"\| `([\w/]+\.py)(?:::(\w+))?` \|$", row)
    assert found, "the last column names a test"
    file, name = found.groups()
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert name is None or f"def {name}(" in source
