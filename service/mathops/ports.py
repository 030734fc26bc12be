"""Every interface between subsystems; each has at least one implementation and one contract suite."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from mathops.errors import QuotaExceeded
from mathops.models import Record
from mathops.operations import Operation, Result


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
        retry_after=quota.reset,
        violated_policies=[quota.policy],
    )


class Timing(NamedTuple):
    """Seconds that a computation waited, computed and converted to decimal."""

    queue: float
    compute: float
    encode: float


class Compute(Protocol):
    """Computes large results."""

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        """Compute exactly; raises Overloaded or DeadlineExceeded."""


class RateLimiter(Protocol):
    """Counts charges against a policy and key; without a limit for the policy it gives None."""

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        """Charge `cost` to `key` under `policy`."""


class JournalPage(NamedTuple):
    """Records with their sequence numbers, newest first; `more` tells of older ones."""

    rows: list[tuple[int, Record]]
    more: bool


class Journal(Protocol):
    """Keeps every record; what it acknowledged, it has committed."""

    async def append(self, record: Record) -> None:
        """Return once the record is committed; raises JournalUnavailable."""

    async def history(self, user: str, limit: int, before: int | None = None) -> JournalPage:
        """Records of `user` with a sequence number below `before`, newest first; raises JournalUnavailable."""

    async def check(self) -> str | None:
        """Why the journal cannot be written just now, or None."""


class Revocations(Protocol):
    """Tokens ended before their time."""

    async def revoke(self, token_id: str, until: int) -> None:
        """Refuse the token from now to its end, `until` seconds since the epoch; raises RevocationUnavailable."""

    async def revoked(self, token_id: str) -> bool:
        """Whether the token was revoked; raises RevocationUnavailable."""


class Users(Protocol):
    """User names with their scopes."""

    async def scopes(self, name: str, password: str | None) -> list[str] | None:
        """The scopes of `name`, or None when the password does not match."""


class Message(NamedTuple):
    """One event as Kafka carries it; `key` decides the partition, which keeps its order."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class MessageRejected(Exception):
    """The broker rejects a message and would reject it again."""


class Broker(Protocol):
    """Publishes events."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once all are stored; raises MessageRejected, or any other exception when a retry may succeed."""


class OutboxRow(NamedTuple):
    """A record with its sequence number in the journal."""

    seq: int
    record: Record


class RelayProgress(msgspec.Struct, array_like=True):
    """Events published, failed attempts and dead letters since the last report, and the current error."""

    published: int = 0
    failed: int = 0
    dead: int = 0
    error: str | None = None


class Outbox(Protocol):
    """Rows to publish, the position reached, and the lease of the one relay that publishes; synchronous."""

    lease_seconds: float

    def acquire_lease(self) -> int | None:
        """Acquire or renew the lease and return the position; None while another relay holds it."""

    def release(self) -> None:
        """Release the lease."""

    def fetch_after(self, position: int, limit: int) -> list[OutboxRow]:
        """The oldest rows after `position`."""

    def advance(self, position: int, dead_letters: Sequence[tuple[OutboxRow, str]] = ()) -> bool:
        """Move to `position` and store `dead_letters` with their reasons; False when the lease was lost."""

    def close(self) -> None:
        """Close the connections."""
