"""A real server process on a free port, on embedded parts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process import Server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**variables: str) -> Server:
        server = Server(tmp_path, variables)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()
