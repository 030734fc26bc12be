"""Identical work that is wanted at the same time is done once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class _Flight(Generic[Outcome]):
    def __init__(self, task: asyncio.Task[Outcome]) -> None:
        self.task = task
        self.waiters = 0


class Flights(Generic[Outcome]):
    """Work under way, by key: whoever asks for the same key meanwhile waits for the same outcome."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Flight[Outcome]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._under_way

    async def join(self, key: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The outcome of `work`, or of the same work that is under way; it stops when the last waiter leaves."""
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight(asyncio.ensure_future(_done(work)))
            flight.task.add_done_callback(lambda _: self._landed(key, flight))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._landed(key, flight)
                flight.task.cancel()

    def _landed(self, key: str, flight: _Flight[Outcome]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]


async def _done(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    return await work()
