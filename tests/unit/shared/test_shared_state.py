import re

import pytest

from mathops.errors import StartupError
from mathops.settings import Settings
from mathops.shared.shared_state import open_shared
from tests.support.server import free_port

pytestmark = pytest.mark.anyio


async def test_without_redis_all_state_is_in_memory_and_no_dependency_is_reported() -> None:
    async with open_shared(Settings(quota_requests="1/minute")) as shared:
        await shared.cache.set("key", b"1")
        await shared.rate_limiter.charge("requests", "alice")

        assert await shared.cache.get("key") == b"1"
        quota = await shared.rate_limiter.charge("requests", "alice")
        assert quota is not None
        assert not quota.allowed
        assert shared.dependencies == {}


async def test_if_redis_is_down_cache_and_quotas_work_in_memory_and_the_error_is_reported() -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    async with open_shared(Settings(redis_url=url, quota_requests="1/minute")) as shared:
        await shared.cache.set("key", b"1")
        await shared.rate_limiter.charge("requests", "alice")

        assert await shared.cache.get("key") == b"1"
        quota = await shared.rate_limiter.charge("requests", "alice")
        assert quota is not None
        assert not quota.allowed
        states = {name: state() for name, state in shared.dependencies.items()}
        assert (states["cache"], states["rate_limits"]) == ("connection", "connection")
        assert "secret" not in repr(states)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "redis://127.0.0.1:port",
        "127.0.0.1:6379",
        "redis://user:se/cret@127.0.0.1:6379",
        "redis://user:se#cret@127.0.0.1:6379",
        "redis://user:12/cret@127.0.0.1:6379",
        "redis://user:12?cret=3@127.0.0.1:6379",
        "redis://127.0.0.1/0?socket_timeout=long",
        "rediss://127.0.0.1/0?ssl_ca_cert=/misspelled.pem",
        "rediss://127.0.0.1/0?ssl_ca_certs=/nowhere.pem",
        "rediss://127.0.0.1/0?ssl_cert_reqs=sometimes",
    ],
)
async def test_an_invalid_redis_url_is_a_startup_error(url: str) -> None:
    with pytest.raises(StartupError, match="MATHOPS_REDIS_URL") as raised:
        async with open_shared(Settings(redis_url=url)):
            pass

    assert "\n" not in str(raised.value)
    assert not re.search(r"\bse\b|cret", str(raised.value))
