"""An application that all examples of a property share."""

from collections.abc import Iterator

import pytest

from mathops.settings import Settings
from tests.conftest import World


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(Settings(data_dir=tmp_path_factory.mktemp("data")), limits={})
    with world.client:
        yield world
