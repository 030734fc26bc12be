"""Rate limits in the notation of the `limits` library, such as 600/minute."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mathops.errors import StartupError
from mathops.ports import Quota, RateLimiter
from mathops.settings import Settings
from mathops.settings_source import env_name
from mathops.shared.circuit_breaker import CircuitBreaker, DependencyUnavailable

# Settings with this prefix are the limits of policies.
_PREFIX = "quota_"


class WindowCounts(NamedTuple):
    """Counts of the previous and the current window, and seconds until each is dropped."""

    previous: int
    previous_ttl: float
    current: int
    current_ttl: float

    def used(self, item: RateLimitItem) -> int:
        return math.floor(self.previous * self.previous_ttl / item.get_expiry()) + self.current

    def seconds_until(self, item: RateLimitItem, cost: int) -> int:
        """Whole seconds, at least 1, until `cost` can be charged if nothing else is.

        The previous window counts in proportion to its time to live, and the current one does so after its end.
        """
        free = item.amount - cost
        count, ttl = self.current, self.current_ttl
        if self.current <= free:
            free -= self.current
            count, ttl = self.previous, self.previous_ttl
        return max(1, math.ceil(ttl - (free + 1) * item.get_expiry() / count)) if count else 1


class Windows(Protocol):
    """Sliding windows of one storage."""

    async def charge(self, item: RateLimitItem, policy: str, key: str, cost: int) -> tuple[bool, WindowCounts]:
        """Whether `cost` was charged, and the counts after it. A negative cost reduces the current count, at most to 0.

        A charge of the previous window cannot be taken back.
        """


class MemoryWindows:
    """Sliding windows in process memory."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._rate_limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def charge(self, item: RateLimitItem, policy: str, key: str, cost: int) -> tuple[bool, WindowCounts]:
        if cost < 0:
            cost = max(cost, -(await self._counts(item, policy, key)).current)
        charged = await self._rate_limiter.hit(item, policy, key, cost=cost)
        return charged, await self._counts(item, policy, key)

    async def _counts(self, item: RateLimitItem, policy: str, key: str) -> WindowCounts:
        return WindowCounts(*await self._storage.get_sliding_window(item.key_for(policy, key), item.get_expiry()))


class WindowRateLimiter:
    """Rate limits by sliding windows."""

    def __init__(self, policies: Mapping[str, RateLimitItem], windows: Windows) -> None:
        self._policies = policies
        self._windows = windows

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        item = self._policies.get(policy)
        if item is None:
            return None
        # A cost above the limit could never be allowed; it uses the whole limit instead.
        cost = min(cost, item.amount)
        allowed, counts = await self._windows.charge(item, policy, key, cost)
        remaining = max(0, item.amount - counts.used(item))
        reset = counts.seconds_until(item, remaining + 1 if allowed else cost)
        return Quota(policy, allowed, item.amount, item.get_expiry(), remaining, reset)

    async def refund(self, policy: str, key: str, cost: int = 1) -> None:
        item = self._policies.get(policy)
        if item is not None:
            await self._windows.charge(item, policy, key, -min(cost, item.amount))


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
    for name in Settings.model_fields:
        if name.startswith(_PREFIX) and (text := getattr(settings, name)):
            try:
                found[name.removeprefix(_PREFIX)] = parse(text)
            except ValueError:
                raise StartupError(f"{env_name(name)}: write a limit such as 600/minute, not {text!r}") from None
    return found
