"""The cache inside the process: bounded in bytes, least recently used out first."""

from cachetools import TTLCache


class MemoryCache:
    """Keeps texts for `ttl` seconds, `size` bytes in all, none over `value_size` bytes."""

    def __init__(self, ttl: float, size: int, value_size: int) -> None:
        self._entries: TTLCache[str, bytes] = TTLCache(size, ttl, getsizeof=len)
        self._value_size = min(size, value_size)

    async def get(self, key: str) -> bytes | None:
        """The stored text, or None."""
        # TTLCache.get looks twice, and at the clock each time.
        try:
            return self._entries[key]
        except KeyError:
            return None

    async def set(self, key: str, text: bytes) -> None:
        """Keep `text`, unless it is too long."""
        if len(text) <= self._value_size:
            self._entries[key] = text
