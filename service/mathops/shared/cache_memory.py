"""The cache inside the process: bounded in bytes, least recently used out first."""

from operator import itemgetter

from cachetools import TTLCache

# What an entry needs beside its key and its text.
_ENTRY_BYTES = 700


class MemoryCache:
    """Keeps texts for `ttl` seconds, `size` bytes in all, none over `value_size` bytes."""

    def __init__(self, ttl: float, size: int, value_size: int) -> None:
        # Texts, each with the bytes of its entry.
        self._entries: TTLCache[str, tuple[bytes, int]] = TTLCache(size, ttl, getsizeof=itemgetter(1))
        self._value_size = value_size

    async def get(self, key: str) -> bytes | None:
        """The stored text, or None."""
        # TTLCache.get looks twice, and at the clock each time.
        try:
            return self._entries[key][0]
        except KeyError:
            return None

    async def set(self, key: str, text: bytes) -> None:
        """Keep `text`, unless it is too long."""
        size = len(key) + len(text) + _ENTRY_BYTES
        if len(text) <= self._value_size and size <= self._entries.maxsize:
            self._entries[key] = text, size
