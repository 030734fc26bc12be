"""Examples of Accept headers; tests/properties/test_negotiation.py has the rules."""

import pytest

from mathops.errors import NotAcceptable
from mathops.web.negotiation import GZIP, JSON, TEXT, ZSTD, preferred_coding, preferred_media_type


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/plain; charset=utf-8", TEXT),
        ("text/plain, , ", TEXT),
        ("", JSON),
        (" , ", JSON),
        ("*", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("text/plain;q=.9, application/json;q=.25", TEXT),
        ("text/html, text/plain;q=0.9, */*;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
    ],
)
def test_the_preferred_media_type_is_returned(accept: str, media_type: str) -> None:
    assert preferred_media_type(accept) == media_type


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "*;q=.0", ";;", "*/*;q=."])
def test_other_media_types_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=f"{JSON} or {TEXT}"):
        preferred_media_type(accept)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        (" , ", None),
        ("gzip", GZIP),
        ("GZip", GZIP),
        ("x-gzip", GZIP),
        ("zstd", ZSTD),
        # Browsers, curl, Python and Go.
        ("gzip, deflate, br, zstd", ZSTD),
        ("deflate, gzip, br", GZIP),
        ("gzip, deflate", GZIP),
        ("gzip;q=1.0, deflate;q=0.6, identity;q=0.3", GZIP),
        ("zstd;q=0.5, gzip", GZIP),
        ("gzip;q=0.5, zstd;q=0.5", ZSTD),
        ("gzip, identity", GZIP),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", GZIP),
        ("identity", None),
        ("br, deflate, compress", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000, zstd;q=0.0", None),
        ("gzip;q=0, *", None),
        ("gzip;q=x", None),
        ("notgzip, gzipped, zstd2", None),
        ("*", GZIP),
        ("*;q=0", None),
        ("zstd, *;q=0", ZSTD),
        ("*;q=0, gzip", GZIP),
        ("identity;q=0, gzip;q=0.001", GZIP),
    ],
)
def test_the_preferred_coding_is_returned(accepted: str | None, coding: str | None) -> None:
    assert preferred_coding(accepted) == coding
