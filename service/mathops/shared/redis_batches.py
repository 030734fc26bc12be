"""Sends the Redis commands of one iteration of the event loop in one round trip."""

import asyncio
from collections.abc import Callable
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.exceptions import ResponseError

Command = tuple[str | bytes | int, ...]
# redis-py's own encoder takes six times as long.
_encoded: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment] # its stub says one element
_Waiting = list[tuple[Command, asyncio.Future[Any]]]


class RedisBatches:
    """Commands on the connections of `redis`; create it in the event loop that uses it (ADR 20).

    A round trip takes at most `seconds`, connecting included.
    """

    def __init__(self, redis: Redis, seconds: float) -> None:
        self._pool: Any = redis.connection_pool
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: _Waiting = []
        self._tasks: set[asyncio.Task[None]] = set()

    def execute(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """The reply, with texts as bytes; the future has redis-py's exceptions."""
        reply: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((command, reply))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._send_waiting)
        return reply

    async def close(self) -> None:
        """Wait for the replies to commands that were sent."""
        await asyncio.gather(*self._tasks)

    def _send_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        task = self._loop.create_task(self._send(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, batch: _Waiting) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._pool.get_connection()
                try:
                    await connection.send_packed_command(b"".join([_encoded(command) for command, _ in batch]))
                    for _, reply in batch:
                        await _receive(connection, reply)
                finally:
                    await self._pool.release(connection)
        except Exception as error:  # each caller handles it
            for _, reply in batch:
                if not reply.done():
                    reply.set_exception(error)


async def _receive(connection: Any, reply: asyncio.Future[Any]) -> None:
    """Raises errors of the connection, on which no further reply can be received."""
    try:
        value = await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        if not reply.done():
            reply.set_exception(error)
    else:
        # A caller that timed out has cancelled its future.
        if not reply.done():
            reply.set_result(value)
