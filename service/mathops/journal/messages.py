"""The frames between a web worker and its journal process."""

from typing import NamedTuple

import msgspec

from mathops.models import Record
from mathops.ports import RelayProgress

_NUMBER_BYTES = 8
# Reads the lines of a CommitRequest, each made by models.encode_json.
decode_records = msgspec.json.Decoder(Record).decode_lines


class CommitRequest(NamedTuple):
    """Records to commit, one JSON line each; no line only checks that the database is writable."""

    number: int
    lines: bytes

    def encode(self) -> bytes:
        return self.number.to_bytes(_NUMBER_BYTES) + self.lines

    @classmethod
    def decode(cls, frame: bytes) -> "CommitRequest":
        return cls(int.from_bytes(frame[:_NUMBER_BYTES]), frame[_NUMBER_BYTES:])


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

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)
