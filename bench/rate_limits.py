"""Processor time of a rate-limit charge in Redis: the service's own script in batches, and the `limits` library."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import interleave
import servers
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mathops.settings import Settings
from mathops.shared.rate_limits import WindowRateLimiter, policies
from mathops.shared.redis_batches import RedisBatches
from mathops.shared.redis_client import client
from mathops.shared.redis_rate_limits import RedisWindows

PORT = 5848
LIMIT = "1000000/second"
CHARGES = 200
Charge = Callable[[], Awaitable[object]]


class Cost(NamedTuple):
    """Microseconds of this process, and of the clock, for each charge."""

    processor: float
    elapsed: float


async def rate_limiters() -> dict[str, Charge]:
    """A charge by each rate limiter, with the counts that the response headers need."""
    item = parse(LIMIT)
    library = SlidingWindowCounterRateLimiter(RedisStorage(f"async+redis://127.0.0.1:{PORT}", implementation="redispy"))
    windows = RedisWindows(RedisBatches(client(f"redis://127.0.0.1:{PORT}/0", 1.0), 1.0))
    service = WindowRateLimiter(policies(Settings(quota_requests=LIMIT)), windows)

    async def charge_by_library() -> None:
        await library.hit(item, "requests", "alice")
        await library.get_window_stats(item, "requests", "alice")

    return {"limits library": charge_by_library, "service": partial(service.charge, "requests", "alice")}


async def cost(charge: Charge, callers: int) -> Cost:
    """The cost of CHARGES charges by each of concurrent callers."""

    async def call() -> None:
        for _ in range(CHARGES):
            await charge()

    processor, clock = time.process_time(), time.perf_counter()
    await asyncio.gather(*[call() for _ in range(callers)])
    charges = CHARGES * callers / 1e6
    return Cost((time.process_time() - processor) / charges, (time.perf_counter() - clock) / charges)


def main() -> None:
    """Print the table."""
    options = interleave.parse_options(__doc__, rounds=6)
    with asyncio.Runner() as runner:
        medians = interleave.medians(
            options.rounds,
            {
                name: lambda charge=charge: runner.run(cost(charge, options.connections))
                for name, charge in runner.run(rate_limiters()).items()
            },
        )
    print("| rate limiter | processor µs | elapsed µs |")
    print("|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median.processor:.0f} | {median.elapsed:.0f} |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, servers.running(servers.redis(Path(folder), PORT)):
        time.sleep(1)
        main()
