"""The windows of rate limits in Redis: one command charges a limit and returns the counts."""

from hashlib import sha1
from typing import cast

from limits import RateLimitItem
from redis.exceptions import NoScriptError

from mathops.shared.rate_limits import WindowCounts
from mathops.shared.redis_batches import Command, RedisBatches

# Sliding window counter: the previous window counts in proportion to its overlap with the window that ends now. Windows
# start at multiples of their length on the clock of Redis. Arguments: limit, window in seconds, cost. Returns whether
# the cost was charged, the counts of the previous and the current window, and the milliseconds left of the current one.
_CHARGE = b"""
local window = ARGV[2] * 1000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number, left = math.floor(now / window), window - now % window
local stored = redis.call('HMGET', KEYS[1], 'window', 'previous', 'current')
local previous, current = 0, 0
if tonumber(stored[1]) == number then
  previous, current = tonumber(stored[2]), tonumber(stored[3])
elseif tonumber(stored[1]) == number - 1 then
  previous = tonumber(stored[3])
end
local charged = current + ARGV[3]
if math.floor(previous * left / window) + charged > tonumber(ARGV[1]) then
  return {0, previous, current, left}
end
current = math.max(0, charged)
redis.call('HSET', KEYS[1], 'window', number, 'previous', previous, 'current', current)
redis.call('PEXPIRE', KEYS[1], left + window)
return {1, previous, current, left}
"""
_CHARGE_SHA1 = sha1(_CHARGE, usedforsecurity=False).hexdigest()


class RedisWindows:
    """Sliding windows in Redis, shared by all replicas."""

    def __init__(self, batches: RedisBatches) -> None:
        self._batches = batches

    async def charge(self, item: RateLimitItem, policy: str, key: str, cost: int) -> tuple[bool, WindowCounts]:
        seconds = item.get_expiry()
        # With another window the stored numbers would have another meaning.
        arguments: Command = (1, f"mathops:1:limit:{policy}:{seconds}:{key}", item.amount, seconds, cost)
        try:
            reply = await self._batches.execute("EVALSHA", _CHARGE_SHA1, *arguments)
        except NoScriptError:
            reply = await self._batches.execute("EVAL", _CHARGE, *arguments)
        charged, previous, current, left = cast(list[int], reply)
        return bool(charged), WindowCounts(previous, left / 1000, current, left / 1000 + seconds)
