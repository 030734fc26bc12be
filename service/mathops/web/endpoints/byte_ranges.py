"""A byte range of a text result (RFC 9110, section 14), such as the rest of an interrupted download."""

import re
from typing import NamedTuple

from mathops.errors import RangeNotSatisfiable

# A list of several ranges is ignored, as the RFC permits.
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class ByteRange(NamedTuple):
    """Without `first`, `last` is the number of bytes at the end."""

    first: int | None
    last: int | None


def byte_range(header: str | None) -> ByteRange | None:
    """The single range of a Range header. An invalid header counts as absent."""
    found = _RANGE.fullmatch(header) if header else None
    if found is None:
        return None
    first, last = (int(text) if text else None for text in found.groups())
    if first is None and last is None:
        return None
    if first is not None and last is not None and last < first:
        return None
    return ByteRange(first, last)


def selected(wanted: ByteRange, length: int) -> slice:
    """The part of `length` bytes; raises RangeNotSatisfiable if it is empty."""
    first, last = wanted
    if first is None:
        assert last is not None
        part = slice(max(0, length - last), length)
    else:
        part = slice(first, length if last is None else min(last + 1, length))
    if part.start >= length:
        raise RangeNotSatisfiable(f"the result has {length} bytes; request a part of bytes 0 to {length - 1}")
    return part
