import asyncio
import time
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, text

from mathops.errors import JournalUnavailable
from mathops.journal.database.engine import database_of
from mathops.journal.revocations import DatabaseRevocations

pytestmark = pytest.mark.anyio

DAY_SECONDS = 86_400


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathops.journal.revocations._POLL_SECONDS", 0.05)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_token_is_revoked_everywhere_and_after_a_restart(url: str) -> None:
    token_expires = int(time.time()) + 60
    async with (
        DatabaseRevocations(database_of(url)).running() as one,
        DatabaseRevocations(database_of(url)).running() as other,
    ):
        await one.revoke("token", token_expires)
        await until(lambda: other.revoked("token"))

    async with DatabaseRevocations(database_of(url)).running() as restarted:
        assert restarted.revoked("token")


async def test_without_a_first_reading_every_token_is_rejected(url: str) -> None:
    revocations = DatabaseRevocations(database_of(url))

    with pytest.raises(JournalUnavailable):
        revocations.revoked("token")


async def test_an_unreadable_table_is_reported_and_known_tokens_stay_revoked(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with DatabaseRevocations(database_of(url)).running() as revocations:
        await revocations.revoke("token", int(time.time()) + 60)
        assert revocations.state() == "ok"
        execute(url, "ALTER TABLE revoked_tokens RENAME TO other")

        await until(lambda: revocations.state() == "unavailable")

        assert revocations.revoked("token")
        with pytest.raises(JournalUnavailable):
            await revocations.revoke("token2", int(time.time()) + 60)
        execute(url, "ALTER TABLE other RENAME TO revoked_tokens")
        await until(lambda: revocations.state() == "ok")


async def test_tokens_are_deleted_a_day_after_they_expired(url: str) -> None:
    now = int(time.time())
    async with DatabaseRevocations(database_of(url)).running() as revocations:
        for token_id, expires in (("old", now - DAY_SECONDS - 10), ("recent", now - 10), ("valid", now + 60)):
            await revocations.revoke(token_id, expires)

    assert execute(url, "SELECT token_id FROM revoked_tokens ORDER BY seq") == [("recent",), ("valid",)]
