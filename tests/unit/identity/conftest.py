"""Fixtures of the tests of identity."""

import pytest

from mathops.identity import keys


@pytest.fixture(autouse=True)
def immediate_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the keys file for changes at each use."""
    monkeypatch.setattr(keys, "RELOAD_SECONDS", 0.0)
