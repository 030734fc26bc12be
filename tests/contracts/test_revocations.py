"""Contract of ports.Revocations."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mathops.journal.database import schema
from mathops.journal.database.engine import database_of
from mathops.journal.revocations import DatabaseRevocations
from mathops.ports import Revocations
from tests.support.fakes import FakeRevocations

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Revocations]:
    yield FakeRevocations()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Revocations]:
    url = f"sqlite:///{folder}/mathops.db"
    schema.upgrade(url)
    async with DatabaseRevocations(database_of(url)).running() as part:
        yield part


PARTS: dict[str, Callable[[Path], AbstractAsyncContextManager[Revocations]]] = {"fake": fake, "sqlite": sqlite}


@pytest.fixture(params=PARTS)
async def revocations(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Revocations]:
    async with PARTS[request.param](tmp_path) as part:
        yield part


def seconds_from_now(seconds: int) -> int:
    return int(time.time()) + seconds


async def test_an_unknown_token_is_not_revoked(revocations: Revocations) -> None:
    assert not revocations.revoked("unknown")


async def test_a_revoked_token_is_revoked_and_no_other(revocations: Revocations) -> None:
    await revocations.revoke("token", seconds_from_now(60))

    assert revocations.revoked("token")
    assert not revocations.revoked("token2")
    assert not revocations.revoked("toke")


async def test_a_token_can_be_revoked_twice(revocations: Revocations) -> None:
    await revocations.revoke("token", seconds_from_now(60))
    await revocations.revoke("token", seconds_from_now(60))

    assert revocations.revoked("token")


async def test_an_expired_token_can_be_revoked_without_effect_on_others(revocations: Revocations) -> None:
    await revocations.revoke("valid", seconds_from_now(60))
    await revocations.revoke("expired", seconds_from_now(-1))

    assert revocations.revoked("valid")
