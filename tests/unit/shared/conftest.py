"""Fixtures of the tests with a fake Redis."""

import pytest
from fakeredis import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()
