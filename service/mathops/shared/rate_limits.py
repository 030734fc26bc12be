"""Rate limits in the notation of the `limits` library, such as 600/minute."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.storage.base import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mathops.errors import StartupError
from mathops.ports import Quota, RateLimiter
from mathops.settings import Settings
from mathops.settings_source import env_name
from mathops.shared.circuit_breaker import CircuitBreaker, DependencyUnavailable


class WindowRateLimiter:
    """Sliding windows in process memory, or in `storage`."""

    def __init__(self, policies: Mapping[str, RateLimitItem], storage: Storage | None = None) -> None:
        self._policies = policies
        self._rate_limiter = SlidingWindowCounterRateLimiter(storage or MemoryStorage())

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        item = self._policies.get(policy)
        if item is None:
            return None
        # A cost above the limit could never be allowed; it uses the whole limit instead.
        allowed = await self._rate_limiter.hit(item, policy, key, cost=min(cost, item.amount))
        stats = await self._rate_limiter.get_window_stats(item, policy, key)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        # A refund of a charge in the previous window makes the count of this window negative.
        remaining = min(stats.remaining, item.amount)
        return Quota(policy, allowed, item.amount, item.get_expiry(), remaining, reset)

    async def refund(self, policy: str, key: str, cost: int = 1) -> None:
        item = self._policies.get(policy)
        if item is not None:
            await self._rate_limiter.hit(item, policy, key, cost=-min(cost, item.amount))


@dataclass(eq=False)
class FallbackRateLimiter:
    """A `remote` limiter shared by all replicas, and a `local` one while it is unavailable."""

    remote: RateLimiter
    local: RateLimiter
    breaker: CircuitBreaker

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        try:
            return await self.breaker.call(lambda: self.remote.charge(policy, key, cost))
        except DependencyUnavailable:
            return await self.local.charge(policy, key, cost)

    async def refund(self, policy: str, key: str, cost: int = 1) -> None:
        try:
            await self.breaker.call(lambda: self.remote.refund(policy, key, cost))
        except DependencyUnavailable:
            await self.local.refund(policy, key, cost)


def policies(settings: Settings) -> dict[str, RateLimitItem]:
    """The configured limits by policy; raises StartupError."""
    found = {}
    for policy in ("requests", "compute", "unauthenticated"):
        name = f"quota_{policy}"
        if text := getattr(settings, name):
            try:
                found[policy] = parse(text)
            except ValueError:
                raise StartupError(f"{env_name(name)}: write a limit such as 600/minute, not {text!r}") from None
    return found
