"""The frames between a web worker and its journal process."""

import msgspec

from mathops.models import Record
from mathops.ports import RelayProgress


class CommitRequest(msgspec.Struct, array_like=True):
    """Records to commit; none to check that the database is writable."""

    number: int
    records: list[Record]


class CommitReply(msgspec.Struct, array_like=True):
    """The outcome of the requests `numbers`: committed in `seconds`, or failed with `error`.

    Every reply carries the state of the outbox; a reply without numbers carries nothing else.
    """

    numbers: list[int]
    error: str | None
    seconds: float
    pending: int
    oldest: str | None
    relay: RelayProgress
