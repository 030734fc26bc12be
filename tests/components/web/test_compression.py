"""Large results are compressed if the client accepts it; the tests cover reported errors of other services."""

import asyncio
import gzip
import hashlib
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest

from mathops.operations import Operation, Result
from mathops.ports import Timing
from mathops.web.compression import compressed
from tests.components.web import asgi
from tests.conftest import World

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.anyio

LARGE, SMALL = "/fib?n=100000", "/fib?n=60000"
DECODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstd.decompress, "": bytes}


class Received(NamedTuple):
    """A response as it was sent, unlike that of a client that decodes it."""

    status: int
    headers: dict[str, str]
    body: bytes


async def send(world: World, target: str = LARGE, method: str = "GET", body: bytes = b"", **headers: str) -> Received:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = asgi.scope(method, target, {**world.bearer(), **named})
    start, *rest = await asgi.exchange(world.client.app, request, [asgi.body(body)])
    decoded = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    assert len(decoded) == len(start["headers"])
    return Received(start["status"], decoded, b"".join(message["body"] for message in rest))


@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_large_result_is_compressed(world: World, coding: str, accept: str) -> None:
    plain = await send(world, Accept=accept)
    response = await send(world, Accept=accept, Accept_Encoding=coding)

    assert response.headers["content-encoding"] == coding
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["content-type"] == plain.headers["content-type"]
    assert response.headers["vary"] == plain.headers["vary"] == "accept, accept-encoding"
    assert "content-encoding" not in plain.headers
    assert DECODERS[coding](response.body) == plain.body
    assert len(response.body) < 0.45 * len(plain.body)


async def test_the_record_is_that_of_the_digits(world: World) -> None:
    text = (await send(world, Accept="text/plain")).body

    await send(world, Accept="text/plain", Accept_Encoding="zstd")

    record = world.journal.records[-1]
    assert (record.result_digits, record.result_sha256) == (len(text), hashlib.sha256(text).hexdigest())


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_small_response_is_not_compressed(world: World, coding: str) -> None:
    for target in (SMALL, "/fib?n=10", "/pow?base=10&exp=9000000", "/fact?n=x", "/unknown", "/openapi.json"):
        headers = (await send(world, target, Accept_Encoding=coding)).headers

        assert "content-encoding" not in headers, target
        assert "accept-encoding" not in headers.get("vary", ""), target


@pytest.mark.parametrize("coding", ["gzip", "zstd", ""])
@pytest.mark.parametrize("target", [LARGE, SMALL])
async def test_head_returns_the_headers_of_get(world: World, target: str, coding: str) -> None:
    await send(world, target)
    asked = await send(world, target, Accept_Encoding=coding)
    head = await send(world, target, "HEAD", Accept_Encoding=coding)

    assert head.body == b""
    del asked.headers["x-request-id"], head.headers["x-request-id"]
    assert head.headers == asked.headers


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_post_is_compressed_and_not_cached(world: World, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Accept-Encoding": coding}
    response = await send(world, "/fib", "POST", b'{"n": 100000}', **headers)

    assert response.headers["content-encoding"] == coding
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    assert DECODERS[coding](response.body) == (await send(world)).body


async def test_each_coding_has_its_own_tag(world: World) -> None:
    tags = {coding: (await send(world, Accept_Encoding=coding)).headers["etag"] for coding in DECODERS}
    assert len(set(tags.values())) == 3
    world.cache.entries.clear()
    world.compute.computed = 0

    for coding, tag in tags.items():
        for sent in (tag, f"W/{tag}", f'"other", {tag}'):
            known = await send(world, Accept_Encoding=coding, If_None_Match=sent)
            assert (known.status, known.body) == (304, b"")
            assert known.headers["etag"] == tag
            assert known.headers["vary"] == "accept, accept-encoding"
            assert "content-encoding" not in known.headers
        assert world.compute.computed == 0
    for coding, tag in tags.items():
        other = next(name for name in tags if name != coding)
        # The stored copy is not the selected representation, and 304 with another tag would not renew it.
        assert (await send(world, Accept_Encoding=other, If_None_Match=tag)).status == 200
        assert (await send(world, Accept_Encoding=other, If_Match=tag)).status == 412
        assert (await send(world, Accept_Encoding=coding, If_Match=tag)).status == 200


async def test_a_proxy_that_compresses_may_change_the_tag(world: World) -> None:
    tag = (await send(world)).headers["etag"]

    # Apache and nginx.
    for sent in (f'"{tag[1:-1]}-gzip"', f"W/{tag}"):
        assert (await send(world, If_None_Match=sent)).status == 304


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_equal_results_have_equal_bytes(world: World, coding: str) -> None:
    first, second = [await send(world, Accept_Encoding=coding, Accept="text/plain") for _ in range(2)]

    assert first.headers["etag"] == second.headers["etag"]
    assert first.body == second.body


async def test_clients_can_decode_the_largest_result() -> None:
    digits = b"0123456789" * 1_000_000
    # Browsers accept windows of up to 8 MiB, some Python clients only frames with their size.
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}

    body = await compressed(digits, "zstd")

    assert zstd.decompress(body, options=options) == digits
    assert zstd.get_frame_info(body).decompressed_size == len(digits)


async def test_a_run_of_zeros_is_tiny(world: World) -> None:
    for coding, decode in DECODERS.items():
        sent = await send(world, "/pow?base=10&exp=200000", Accept="text/plain", Accept_Encoding=coding)

        assert decode(sent.body) == b"1" + b"0" * 200_000
        assert len(sent.body) < (1000 if coding else 200_002)


class Turns:
    """A computing pool that counts the turns of the event loop after its result."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        self.task = asyncio.create_task(self._count())
        return Result.of(b"7" * 5_000_000), Timing(0, 0, 0)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


async def test_other_requests_continue_while_a_large_result_is_compressed(world: World) -> None:
    pool = Turns()
    world.resources.evaluator.pool = pool

    await send(world, "/pow?base=10&exp=4999999", Accept="text/plain", Accept_Encoding="gzip")

    pool.task.cancel()
    assert pool.count > 50


class HashedLater(Result):
    """Its SHA-256 is there only after `continued`; a caller in the event loop would wait in vain."""

    continued = threading.Event()

    @property
    def sha256(self) -> str:
        return "0" * 64 if self.continued.wait(5) else ""


class Continuing:
    """A computing pool whose result is hashed when the event loop has continued for a while."""

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        asyncio.get_running_loop().call_later(0.1, HashedLater.continued.set)
        return HashedLater.of(b"7" * 100_000), Timing(0, 0, 0)


async def test_other_requests_continue_while_a_large_result_is_hashed(world: World) -> None:
    world.resources.evaluator.pool = Continuing()

    await send(world, "/pow?base=10&exp=99999")

    assert world.journal.records[-1].result_sha256 == "0" * 64
