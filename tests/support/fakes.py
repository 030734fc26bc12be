"""Fakes of the ports; tests/contracts runs the same tests on fakes and real components."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import UNSET

from mathops.errors import JournalUnavailable
from mathops.models import HistoryFilters, HistoryQuery, Record
from mathops.operations import Operation, Result
from mathops.ports import JournalPage, Message, MessageRejected, Quota, Timing


class FakeCache:
    def __init__(self, value_size: int = 256 * 1024) -> None:
        self.entries: dict[str, bytes] = {}
        self.value_size = value_size

    async def get(self, key: str) -> bytes | None:
        return self.entries.get(key)

    async def set(self, key: str, text: bytes) -> None:
        if len(text) <= self.value_size:
            self.entries[key] = text


class FakeJournal:
    """Keeps records in a list; `error` makes it fail."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.error: str | None = None

    async def append(self, record: Record) -> None:
        if self.error:
            raise JournalUnavailable(self.error)
        if all(record.id != other.id for other in self.records):
            self.records.append(record)

    async def history(self, user: str, query: HistoryQuery) -> JournalPage:
        if self.error:
            raise JournalUnavailable(self.error)
        before = len(self.records) + 1 if query.before is UNSET else query.before
        after = 0 if query.after is UNSET else query.after
        rows = [
            (seq, record) for seq, record in enumerate(self.records, 1) if record.user == user and after < seq < before
        ]
        found = [row for row in rows if _meets(row[1], query)]
        more = len(found) > query.limit
        last = rows[-1][0] if rows else after
        if query.after is not UNSET:
            page = found[: query.limit]
            return JournalPage(page[::-1], page[0][0] if page else None, page[-1][0] if more else last)
        page = found[::-1][: query.limit]
        return JournalPage(page, page[-1][0] if more else None, last)

    async def check(self) -> str | None:
        return self.error


def _meets(record: Record, filters: HistoryFilters) -> bool:
    outcomes = {"error" if record.problem else "ok", record.problem}
    return (
        (filters.operation is UNSET or record.operation == filters.operation)
        and (filters.status is UNSET or record.status == filters.status)
        and (filters.outcome is UNSET or filters.outcome in outcomes)
        and (filters.since is UNSET or datetime.fromisoformat(record.timestamp) >= filters.since)
    )


class FakeRevocations:
    """Keeps revoked tokens in a set; `error` makes it fail."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.error: str | None = None

    async def revoke(self, token_id: str, until: int) -> None:
        if self.error:
            raise JournalUnavailable(self.error)
        self.tokens.add(token_id)

    def revoked(self, token_id: str) -> bool:
        if self.error:
            raise JournalUnavailable(self.error)
        return token_id in self.tokens


class FakeRateLimiter:
    """Counts without a time window."""

    def __init__(self, limits: dict[str, int] | None = None) -> None:
        self.limits = limits or {}
        self.charged: dict[tuple[str, str], int] = {}

    async def charge(self, policy: str, key: str, cost: int = 1) -> Quota | None:
        limit = self.limits.get(policy)
        if limit is None:
            return None
        used = self.charged.get((policy, key), 0)
        cost = min(cost, limit)
        allowed = used + cost <= limit
        if allowed:
            used = self.charged[policy, key] = used + cost
        return Quota(policy, allowed, limit, 60, limit - used, 60)

    async def refund(self, policy: str, key: str, cost: int = 1) -> None:
        if policy in self.limits:
            self.charged[policy, key] -= min(cost, self.limits[policy])


class InlinePool:
    """Computes at once, in this process; `error` is raised instead."""

    def __init__(self) -> None:
        self.computed = 0
        self.error: Exception | None = None

    async def run(self, operation: Operation, arguments: tuple[int, ...]) -> tuple[Result, Timing]:
        if self.error:
            raise self.error
        self.computed += 1
        return operation.result(*arguments), Timing(0.001, 0.002, 0.003)


class FakeBroker:
    """Stores messages in a list, each batch after `seconds`.

    `available` makes it fail, `max_bytes` and `rejected` make it reject values.
    """

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self.messages: list[Message] = []
        self.available = True
        self.max_bytes = max_bytes
        self.rejected: bytes | None = None
        self.seconds = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeBroker"]:
        self._check_available()
        yield self

    async def publish(self, messages: Sequence[Message]) -> None:
        self._check_available()
        for message in messages:
            if len(message.value) > self.max_bytes or (self.rejected is not None and self.rejected in message.value):
                raise MessageRejected("too large")
        await asyncio.sleep(self.seconds)
        self.messages += messages

    async def check(self) -> None:
        self._check_available()

    def _check_available(self) -> None:
        if not self.available:
            raise ConnectionError("the broker is unavailable")
