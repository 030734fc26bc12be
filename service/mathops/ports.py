"""The interfaces between subsystems. tests/contracts holds every implementation to one suite per port."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from mathops.errors import QuotaExceeded
from mathops.models import HistoryQuery, Record
from mathops.operations import Operation, Result


class Cache(Protocol):
    """Decimal results by canonical key, with a limited time to live. A failed look-up is a miss."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, text: bytes) -> None:
        """Store `text` unless it exceeds the configured size."""


class Quota(NamedTuple):
    """A quota after one charge; `window` and `reset` are in seconds."""

    policy: str
    allowed: bool
    limit: int
    window: int
    remaining: int
    reset: int


def quota_exceeded(quota: Quota, allowance: str) -> QuotaExceeded:
    """The error for an exceeded `allowance`, such as "60 requests in 60 s"."""
    return QuotaExceeded(
        f"the quota of {allowance} is used up; try again in {quota.reset} s",
        retry_after=quota.reset,
        violated_policies=[quota.policy],
    )


class Timing(NamedTuple):
    """Seconds in the queue, for computing, and for the decimal conversion (`encode`)."""

    queue: float
    compute: float
    encode: float


class ComputePool(Protocol):
    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        """Raises Overloaded or DeadlineExceeded."""


class RateLimiter(Protocol):
    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        """The quota after charging `cost` to `key`, or None if `policy` has no limit."""

    async def refund(self, policy: str, key: str, cost: int = 1) -> None:
        """Take back an allowed charge."""


class JournalPage(NamedTuple):
    """Records with their sequence numbers, newest first, and the cursors of the pages before `next` and after `newer`.

    Without `next` there are no older records.
    """

    rows: list[tuple[int, Record]]
    next: int | None
    newer: int


class Journal(Protocol):
    async def append(self, record: Record) -> None:
        """Return once `record` is committed; raises JournalUnavailable."""

    async def history(self, user: str, query: HistoryQuery) -> JournalPage:
        """The newest records of `user` before the cursor `query.before`, or the oldest after `query.after`.

        Filters may leave a page empty although there are further ones. Raises JournalUnavailable.
        """

    async def check(self) -> str | None:
        """Why the journal is not writable, or None."""


class Revocations(Protocol):
    async def revoke(self, token_id: str, until: int) -> None:
        """Revoke a token that expires at `until` (seconds since the epoch); raises JournalUnavailable."""

    def revoked(self, token_id: str) -> bool:
        """Raises JournalUnavailable."""


class Users(Protocol):
    async def authenticate(self, name: str, password: str | None) -> list[str] | None:
        """The scopes of `name`, or None if the password does not match."""


class Clients(Users, Protocol):
    """OAuth clients."""

    async def authenticate_by_assertion(
        self, name: str, assertion: str, audiences: Collection[str]
    ) -> list[str] | None:
        """The scopes of `name`, or None if its key did not sign the assertion, or not for one of `audiences`."""


class Message(NamedTuple):
    """A Kafka message; messages with the same `key` stay in order."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class MessageRejected(Exception):
    """The broker permanently rejects a message."""


class Broker(Protocol):
    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once all are stored; raises MessageRejected, or another exception if a retry may succeed."""

    async def check(self) -> None:
        """Raise an exception if messages cannot be published."""


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
    """Rows to publish, the published position, and the lease of the one active relay."""

    lease_seconds: float

    def acquire_lease(self) -> int | None:
        """Acquire or renew the lease and return the position; None if another relay holds it."""

    def release(self) -> None: ...

    def fetch_after(self, position: int, limit: int) -> list[OutboxRow]:
        """The oldest rows after `position`."""

    def advance(self, position: int, dead_letters: Sequence[tuple[OutboxRow, str]] = ()) -> bool:
        """Move to `position` and store `dead_letters` with their reasons; False if the lease was lost."""

    def close(self) -> None: ...
