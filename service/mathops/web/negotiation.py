"""Content negotiation (RFC 9110, sections 12.5.1 and 12.5.3)."""

import re

from mathops.errors import NotAcceptable

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
JSON_SCHEMA = "application/schema+json"
TEXT = "text/plain"
GZIP, ZSTD = "gzip", "zstd"
_IDENTITY = "identity"

# Some clients omit the zero. float() alone accepts nan, inf and 1_0.
_QUALITY = re.compile(r"0?\.[0-9]+|0\.?|1(\.0*)?")


def preferred_media_type(accept: str | None) -> str:
    """JSON or TEXT, JSON if both are equally preferred; raises NotAcceptable."""
    if accept is None or accept in ("*/*", JSON):
        return JSON
    # Java's HttpURLConnection sends "*".
    ranges = [("*/*" if name == "*" else name, quality) for name, quality in _weighted(accept)]
    if not ranges:
        # An empty list means the same as no header (RFC 9110, 12.5.1).
        return JSON
    json, text = _quality(JSON, ranges), _quality(TEXT, ranges)
    if max(json, text) <= 0:
        raise NotAcceptable(f"accept {JSON} or {TEXT}")
    return JSON if json >= text else TEXT


def preferred_coding(accept_encoding: str | None) -> str | None:
    """ZSTD, GZIP or None; of equally preferred codings the first of these."""
    if not accept_encoding:
        return None
    listed = dict(_weighted(accept_encoding))
    qualities = {
        # A client that sends only * may not implement zstd.
        ZSTD: listed.get(ZSTD, 0.0),
        # Equivalent names (RFC 9110, 8.4.1.3).
        GZIP: listed.get(GZIP, listed.get("x-gzip", listed.get("*", 0.0))),
        _IDENTITY: listed.get(_IDENTITY, 0.0),
    }
    best = max(qualities, key=qualities.__getitem__)
    return best if qualities[best] and best != _IDENTITY else None


def _weighted(header: str) -> list[tuple[str, float]]:
    """The elements of a list in lower case, each with its quality."""
    return [_element(part) for part in header.split(",") if part.strip()]


def _element(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            quality = float(parameter[2:]) if _QUALITY.fullmatch(parameter, 2) else 0.0
    return name, quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The quality of the most specific matching range."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
