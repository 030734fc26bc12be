"""Range headers (RFC 9110, section 14)."""

import pytest

from mathops.errors import RangeNotSatisfiable
from mathops.web.endpoints.byte_ranges import byte_range, selected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-4", "01234"),
        ("bytes=5-5", "5"),
        ("bytes=3-", "3456789"),
        ("bytes=-3", "789"),
        ("bytes=-30", "0123456789"),
        ("bytes=8-999999999999999999", "89"),
        ("bytes=007-08", "78"),
        ("BYTES= 0-0 ", "0"),
    ],
)
def test_a_range_selects_a_part(header: str, expected: str) -> None:
    wanted = byte_range(header)

    assert wanted
    assert "0123456789"[selected(wanted, 10)] == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_beyond_the_end_is_not_satisfiable(header: str) -> None:
    wanted = byte_range(header)

    assert wanted
    with pytest.raises(RangeNotSatisfiable):
        selected(wanted, 10)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=0-1,3-4",
        "bytes=0-1, ",
        "bytes=a-b",
        "bytes=0x1-2",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes=--3",
        "bytes=\u0661-2",
        "bytes 0-4",
        "lines=0-4",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_an_invalid_range_or_a_list_counts_as_absent(header: str | None) -> None:
    assert byte_range(header) is None
