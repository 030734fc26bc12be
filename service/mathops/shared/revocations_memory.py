"""Tokens that were ended before their time, by their `jti`, in this process."""

import heapq
import time


class MemoryRevocations:
    """Remembers each revoked token until it would have expired."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._by_time: list[tuple[int, str]] = []

    async def revoke(self, token_id: str, until: int) -> None:
        """Refuse the token from now on; nothing is kept after `until` (seconds since the epoch)."""
        now = time.time()
        while self._by_time and self._by_time[0][0] < now:
            self._until.pop(heapq.heappop(self._by_time)[1], None)
        if token_id not in self._until:
            self._until[token_id] = until
            heapq.heappush(self._by_time, (until, token_id))

    async def revoked(self, token_id: str) -> bool:
        """Whether the token was revoked."""
        return token_id in self._until
