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
from mathops.shared.rate_limits import policies
from mathops.shared.redis_batches import RedisBatches
from mathops.shared.redis_client import client
from mathops.shared.redis_rate_limits import RedisRateLimiter

PORT = 5848
LIMIT = "1000000/second"
CHARGES = 200
Charge = Callable[[], Awaitable[object]]


class Cost(NamedTuple):
    """Microseconds of this process, and of the clock, for each charge."""

    processor: float
    elapsed: float


async def main() -> None:
    """Print the table."""
    options = interleave.parse_options(__doc__, rounds=6)
    redis = client(f"redis://127.0.0.1:{PORT}/0", 1.0)
    item = parse(LIMIT)
    storage = RedisStorage(f"async+redis://127.0.0.1:{PORT}", implementation="redispy")
    library = SlidingWindowCounterRateLimiter(storage)
    own = RedisRateLimiter(policies(Settings(quota_requests=LIMIT)), RedisBatches(redis))

    async def charge_by_library() -> None:
        await library.hit(item, "requests", "alice")
        # The response headers need the counts.
        await library.get_window_stats(item, "requests", "alice")

    async def callers(charge: Charge) -> Cost:
        async def caller() -> None:
            for _ in range(CHARGES):
                await charge()

        processor, clock = time.process_time(), time.perf_counter()
        await asyncio.gather(*[caller() for _ in range(options.connections)])
        charges = CHARGES * options.connections / 1e6
        return Cost((time.process_time() - processor) / charges, (time.perf_counter() - clock) / charges)

    measurements = {"limits library": charge_by_library, "service": partial(own.charge, "requests", "alice")}
    costs: dict[str, list[Cost]] = {name: [] for name in measurements}
    for _ in range(options.rounds):
        for name, charge in measurements.items():
            costs[name].append(await callers(charge))
    print("| rate limiter | processor µs | elapsed µs |")
    print("|---|---:|---:|")
    for name, rounds in costs.items():
        print(f"| {name} | {min(rounds).processor:.0f} | {min(rounds, key=lambda cost: cost.elapsed).elapsed:.0f} |")
    await redis.aclose()


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.running(servers.redis(Path(folder), PORT)),
    ):
        time.sleep(1)
        asyncio.run(main())
