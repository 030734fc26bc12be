"""Keys are fetched at a bounded rate, and outlast an outage of their issuer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
from joserfc.jwk import ECKey
from prometheus_client import REGISTRY

from mathops.errors import IssuerUnavailable
from mathops.identity.issuers import key_cache
from mathops.identity.issuers.key_cache import KeyCache
from mathops.identity.issuers.public_keys import PublicKeys

pytestmark = pytest.mark.anyio
KEY = ECKey.generate_key("P-256")
INTERVAL = 0.1


class Source:
    """Counts fetches; `error` makes them fail."""

    def __init__(self) -> None:
        self.keys: PublicKeys = {("1", ""): KEY}
        self.error: Exception | None = None
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> PublicKeys:
        self.times.append(time.monotonic())
        await self.gate.wait()
        if self.error:
            raise self.error
        return self.keys


Run = Callable[..., AbstractAsyncContextManager[KeyCache]]


@asynccontextmanager
async def running(source: Source, interval: float = INTERVAL) -> AsyncIterator[KeyCache]:
    cache = KeyCache("https://id.example", source.fetch, interval)
    task = asyncio.create_task(cache.run())
    try:
        yield cache
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        cache.close()


async def until(claim: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - no event announces most of what is claimed
            await asyncio.sleep(0.005)


async def test_the_first_request_waits_for_the_first_fetch() -> None:
    async with running(Source()) as cache:
        assert await cache.find_after_fetch("1", "ES256") is KEY
        assert cache.find("1", "ES256") is KEY


async def test_a_request_during_a_fetch_uses_its_keys() -> None:
    source = Source()
    source.gate.clear()
    async with running(source) as cache:
        await until(lambda: source.times)
        request = asyncio.create_task(cache.find_after_fetch("1", "ES256"))
        await asyncio.sleep(0.02)
        source.gate.set()

        assert await request is KEY
        assert len(source.times) == 1


async def test_a_new_key_is_found_without_a_failed_request() -> None:
    source = Source()
    async with running(source) as cache:
        await until(lambda: cache.available)
        source.keys = {("2", ""): KEY}

        assert await cache.find_after_fetch("2", "ES256") is KEY
        assert cache.find("1", "ES256") is None
        assert cache.generation == 2


async def test_many_unknown_keys_cause_few_fetches_and_delay_a_new_key_only_by_the_interval() -> None:
    source = Source()
    async with running(source) as cache:
        await until(lambda: cache.available)
        hostile = [asyncio.create_task(cache.find_after_fetch(str(number), "ES256")) for number in range(10, 60)]
        await asyncio.sleep(INTERVAL * 1.5)
        source.keys = {("1", ""): KEY, ("2", ""): KEY}
        began = time.monotonic()

        assert await cache.find_after_fetch("2", "ES256") is KEY
        assert time.monotonic() - began < 10 * INTERVAL
        assert set(await asyncio.gather(*hostile)) == {None}
        pauses = [after - before for before, after in zip(source.times, source.times[1:], strict=False)]
        assert min(pauses) >= INTERVAL * 0.9
        assert len(source.times) <= 5


async def test_too_many_waiting_requests_are_rejected_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "MAX_WAITING", 2)
    source = Source()
    source.gate.clear()
    async with running(source) as cache:
        waiting = [asyncio.create_task(cache.find_after_fetch("1", "ES256")) for _ in range(2)]
        await until(lambda: source.times)
        with pytest.raises(IssuerUnavailable) as caught:
            await cache.find_after_fetch("1", "ES256")
        assert caught.value.retry_after == 1
        source.gate.set()
        assert await asyncio.gather(*waiting) == [KEY, KEY]


async def test_an_outage_keeps_the_keys_and_reports_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "REFRESH_SECONDS", 0.02)
    source = Source()
    labels = {"issuer": "https://id.example"}

    def failures() -> float:
        return REGISTRY.get_sample_value("mathops_issuer_fetch_failures_total", labels) or 0

    async with running(source, 0.01) as cache:
        await until(lambda: cache.available)
        before = failures()
        source.error = OSError("no route")
        await until(lambda: not cache.available)

        assert cache.find("1", "ES256") is KEY
        assert failures() > before
        assert REGISTRY.get_sample_value("mathops_issuer_unavailable", labels) == 1
        with pytest.raises(IssuerUnavailable, match="send the request again"):
            await cache.find_after_fetch("2", "ES256")
        source.error = None
        await until(lambda: cache.available)
        assert REGISTRY.get_sample_value("mathops_issuer_unavailable", labels) == 0
        assert cache.generation == 1


async def test_keys_of_a_long_outage_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "REFRESH_SECONDS", 0.02)
    monkeypatch.setattr(key_cache, "MAX_AGE_SECONDS", 0.05)
    source = Source()
    async with running(source, 0.01) as cache:
        await until(lambda: cache.available)
        source.error = OSError("no route")
        await until(lambda: cache.find("1", "ES256") is None)

        assert cache.generation == 2


async def test_any_error_leaves_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.error = RuntimeError()
    async with running(source, 0.01) as cache:
        await until(lambda: source.times)
        source.error = None
        await until(lambda: cache.available)


async def test_attempts_become_rarer_during_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.error = OSError("no route")
    async with running(source, 0.01):
        await until(lambda: len(source.times) == 5)

    pauses = [after - before for before, after in zip(source.times, source.times[1:], strict=False)]
    assert all(pause >= 0.009 * 2**number for number, pause in enumerate(pauses))


async def test_a_request_ends_when_no_fetch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "FETCH_SECONDS", 0.05)
    source = Source()
    source.gate.clear()
    async with running(source, 0.01) as cache:
        with pytest.raises(IssuerUnavailable):
            await cache.find_after_fetch("1", "ES256")
