"""What every Cache keeps to."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mathops.ports import Cache
from mathops.shared.cache_memory import MemoryCache
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


async def test_a_key_never_set_has_no_text(cache: Cache) -> None:
    assert await cache.get("mathops:1:pow:2:5") is None


async def test_a_text_that_was_set_comes_back_by_its_own_key_alone(cache: Cache) -> None:
    await cache.set("mathops:1:pow:2:5", b"32")

    assert await cache.get("mathops:1:pow:2:5") == b"32"
    assert await cache.get("mathops:1:pow:2:50") is None


async def test_the_text_set_last_is_the_one_kept(cache: Cache) -> None:
    await cache.set("key", b"1")
    await cache.set("key", b"-2")

    assert await cache.get("key") == b"-2"


async def test_a_text_of_the_greatest_size_is_kept_and_a_longer_one_passed_over(cache: Cache) -> None:
    await cache.set("greatest", b"1" * VALUE_SIZE)
    await cache.set("longer", b"1" * (VALUE_SIZE + 1))

    assert await cache.get("greatest") == b"1" * VALUE_SIZE
    assert await cache.get("longer") is None
