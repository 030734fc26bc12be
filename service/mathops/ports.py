"""What the service asks of the world; each has at least one adapter and one contract suite."""

from typing import NamedTuple, Protocol

from mathops.errors import QuotaExceeded
from mathops.models import Record


class Cache(Protocol):
    """Results by canonical key, for a limited time; a cache that fails answers like an empty one."""

    async def get(self, key: str) -> bytes | None:
        """The stored decimal text, or None."""

    async def set(self, key: str, text: bytes) -> None:
        """Keep `text` for the configured time; a text over the configured size is passed over."""


class Quota(NamedTuple):
    """What one charge left of a quota; `reset` is in seconds."""

    policy: str
    allowed: bool
    limit: int
    window: int
    remaining: int
    reset: int


def quota_exceeded(quota: Quota, allowance: str) -> QuotaExceeded:
    """The refusal of a caller whose `allowance`, such as "60 requests in 60 s", is used up."""
    return QuotaExceeded(
        f"the quota of {allowance} is used up; try again in {quota.reset} s",
        headers={"Retry-After": str(quota.reset)},
        **{"violated-policies": [quota.policy]},
    )


class Limiter(Protocol):
    """Counts charges against a policy and key; without a limit for the policy it gives None."""

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        """Charge `cost` to `key` under `policy`."""


class Page(NamedTuple):
    """Records with their sequence numbers, newest first; `more` tells of older ones."""

    rows: list[tuple[int, Record]]
    more: bool


class Journal(Protocol):
    """Keeps every record; what it acknowledged, it has committed."""

    async def append(self, record: Record) -> None:
        """Return once the record is committed; raises JournalUnavailable."""

    async def history(self, user: str, limit: int, before: int | None = None) -> Page:
        """Records of `user` with a sequence number below `before`, newest first; raises JournalUnavailable."""

    async def check(self) -> str | None:
        """Why the journal cannot be written just now, or None."""


class Revocations(Protocol):
    """Tokens ended before their time."""

    async def revoke(self, token_id: str, until: int) -> None:
        """Refuse the token from now to its end, `until` seconds since the epoch; raises RevocationUnavailable."""

    async def revoked(self, token_id: str) -> bool:
        """Whether the token was revoked; raises RevocationUnavailable."""
