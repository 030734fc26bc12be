"""Time and size of compressed decimal digits: the codings of the service, and levels that it could use instead."""

import asyncio
import random
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from functools import partial

from mathops.web.compression import compressed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SIZES = (16_000, 64_000, 1_000_000, 6_000_000)
ROUNDS = 5
LEVELS: dict[str, Callable[[bytes, int], bytes]] = {
    "zstd": zstd.compress,
    "gzip": lambda digits, level: zlib.compress(digits, level, 31),
}


async def row(name: str, digits: bytes, compress: Callable[[], Awaitable[bytes]]) -> str:
    """The shortest of ROUNDS calls, and the size of the result."""
    durations = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        body = await compress()
        durations.append(time.perf_counter() - started)
    return f"| {name} | {len(digits):,} | {min(durations) * 1000:.2f} | {len(body) / len(digits):.1%} |"


async def main() -> None:
    """Print the table."""
    print("| coding | digits | ms | size |")
    print("|---|---:|---:|---:|")
    for size in SIZES:
        # Digits of results are as uniform as these.
        digits = "".join(random.choices("0123456789", k=size)).encode()
        for coding, compress in LEVELS.items():
            print(await row(f"{coding} of the service", digits, partial(compressed, digits, coding)))
            for level in (1, 6, 9):
                in_thread = partial(asyncio.to_thread, compress, digits, level)
                print(await row(f"{coding}, level {level}", digits, in_thread))


if __name__ == "__main__":
    asyncio.run(main())
