"""Contract of ports.Cache."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.ports import Cache
from mathops.shared.cache import MemoryCache
from tests.support.fakes import FakeCache

pytestmark = pytest.mark.anyio

VALUE_SIZE = 1000


@asynccontextmanager
async def fake() -> AsyncIterator[Cache]:
    yield FakeCache(VALUE_SIZE)


@asynccontextmanager
async def memory() -> AsyncIterator[Cache]:
    yield MemoryCache(60, 1_000_000, VALUE_SIZE)


PARTS: dict[str, Callable[[], AbstractAsyncContextManager[Cache]]] = {"fake": fake, "memory": memory}


@pytest.fixture(params=PARTS)
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    async with PARTS[request.param]() as part:
        yield part


async def test_an_unknown_key_is_a_miss(cache: Cache) -> None:
    assert await cache.get("mathops:1:pow:2:5") is None


async def test_a_text_is_returned_for_its_own_key_only(cache: Cache) -> None:
    await cache.set("mathops:1:pow:2:5", b"32")

    assert await cache.get("mathops:1:pow:2:5") == b"32"
    assert await cache.get("mathops:1:pow:2:50") is None


async def test_the_last_text_replaces_earlier_ones(cache: Cache) -> None:
    await cache.set("key", b"1")
    await cache.set("key", b"-2")

    assert await cache.get("key") == b"-2"


async def test_a_text_of_the_maximum_size_is_kept_and_a_longer_one_ignored(cache: Cache) -> None:
    await cache.set("maximum", b"1" * VALUE_SIZE)
    await cache.set("longer", b"1" * (VALUE_SIZE + 1))

    assert await cache.get("maximum") == b"1" * VALUE_SIZE
    assert await cache.get("longer") is None
