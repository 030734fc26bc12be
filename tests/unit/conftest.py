"""Unit tests start no process, and connect to servers of their own only."""

import pytest


@pytest.fixture(autouse=True)
def limits(in_one_process: None) -> None:
    pass
