"""A service with OAuth clients."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.components.web.oauth import write_clients
from tests.conftest import World


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    return write_clients(
        tmp_path / "clients", envoy="math history", gateway="introspect", mathops="math", pow="math:pow"
    )


@pytest.fixture
def client_world(make_world: Callable[..., World], clients_file: Path) -> World:
    return make_world(clients_file=clients_file)
