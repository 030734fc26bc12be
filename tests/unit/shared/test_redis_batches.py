import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis
import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from mathops.shared.redis_batches import RedisBatches
from mathops.shared.redis_client import client

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def slow_server(seconds: float) -> AsyncIterator[int]:
    """The port of a server that replies to GET with the key, and to the key `late` after `seconds`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        while data := await reader.read(4096):
            commands.feed(data)
            while command := commands.gets():
                await asyncio.sleep(seconds if command[-1] == b"late" else 0)
                writer.write(b"$4\r\n%b\r\n" % command[-1] if command[0] == b"GET" else b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def redis(server: FakeServer) -> AsyncIterator[FakeAsyncRedis]:
    redis = FakeAsyncRedis(server=server)
    yield redis
    await redis.aclose()


@pytest.fixture
async def batches(redis: FakeAsyncRedis) -> RedisBatches:
    return RedisBatches(redis, 1.0)


async def test_commands_of_one_iteration_share_a_connection(
    redis: FakeAsyncRedis, batches: RedisBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    get_connection = redis.connection_pool.get_connection

    async def counted() -> object:
        used.append(await get_connection())
        return used[-1]

    monkeypatch.setattr(redis.connection_pool, "get_connection", counted)

    replies = await asyncio.gather(*[batches.execute("INCRBY", "key", number) for number in range(10)])
    assert replies == [0, 1, 3, 6, 10, 15, 21, 28, 36, 45]
    assert len(used) == 1

    assert await batches.execute("GET", "key") == b"45"
    assert len(used) == 2


async def test_an_error_of_one_command_does_not_affect_others(batches: RedisBatches) -> None:
    replies = await asyncio.gather(
        batches.execute("SET", "key", b"text"),
        batches.execute("INCR", "key"),
        batches.execute("GET", "key"),
        return_exceptions=True,
    )

    assert replies[0] == b"OK"
    assert isinstance(replies[1], ResponseError)
    assert replies[2] == b"text"


async def test_a_caller_that_gave_up_does_not_affect_others(batches: RedisBatches) -> None:
    first, second = batches.execute("SET", "key", b"text"), batches.execute("GET", "key")
    first.cancel()

    assert await second == b"text"


async def test_a_lost_connection_fails_its_commands_and_no_later_ones(
    server: FakeServer, batches: RedisBatches
) -> None:
    server.connected = False
    replies = await asyncio.gather(*[batches.execute("GET", "key") for _ in range(3)], return_exceptions=True)
    assert [type(reply) for reply in replies] == [RedisConnectionError] * 3

    server.connected = True
    assert await batches.execute("GET", "key") is None


async def test_a_late_reply_reaches_no_later_command() -> None:
    # https://github.com/redis/redis-py/issues/2665
    async with slow_server(seconds=0.4) as port:
        redis = client(f"redis://127.0.0.1:{port}/0", 0.2)
        batches = RedisBatches(redis, 0.2)

        with pytest.raises(TimeoutError):
            await batches.execute("GET", "late")
        await asyncio.sleep(0.4)

        assert await batches.execute("GET", "next") == b"next"
        await redis.aclose()


async def test_closing_waits_for_commands_that_were_sent(redis: FakeAsyncRedis, batches: RedisBatches) -> None:
    reply = batches.execute("SET", "key", b"text")
    await asyncio.sleep(0)

    await batches.close()

    assert reply.done()
    assert await redis.get("key") == b"text"
